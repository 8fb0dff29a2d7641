// Package bec is the door of Baidu Edge Computing, API 1.0 and 2.0: it translates each operation of api/bec into a verb of the cloud and back.
//
// One file a resource and version: v1_instance.go, v2_instance.go. ids.go has the vendor's forms of IDs, words.go its spellings of states, carriers and times,
// form.go its error forms. Both versions call the cloud directly; neither calls the other.
//
// What does not live here: rules, states, anything that another dialect would need too (cloud); signatures (bec/auth); wire types (bec/wire, generated).
package bec
