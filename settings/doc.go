// Package settings fills a command's flags from the environment and a YAML file, so that a flag, a variable and a file's key are one thing with one name, one
// check and one description.
//
// The flag --link-listen is the variable EDGECLOUD_LINK_LISTEN and the key link-listen. What is said on the command line counts first, then the environment,
// then the file, then the flag's default. A list is a YAML list, or text with commas.
//
// What does not live here: what a setting means.
package settings
