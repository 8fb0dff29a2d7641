// Package plan makes edge clouds: groups of instances that are spread over sites by a rule instead of by name.
//
// A plan (schedule.go, plans.go) says what is to be made, how many times and in which places, and is placed at once, so that its owner sees where everything will be.
// Running it (run.go) makes the instances, or adds them to an edge cloud that there is. An edge cloud is a group of compute with the plan's coverage and a state
// of its own (lifecycle.go): it is being deployed until the last of its instances has been made or has failed, and it is gone with its group.
//
// What does not live here: the instances (compute), what a place is called in a dialect (the doors resolve names to sites).
package plan
