package debian

// Pick is for tests.
var Pick = pick
