// Package worktest crashes at and repeats every step of a life cycle.
//
// Without such a harness "every step can be repeated" is a wish. It lives a whole life (create, settle, delete, settle) once undisturbed, noting every point at
// which a worker can die: before and after the commit of each step, after each outside call, before and after the commit of its result. Then it lives the
// life again for each point and lets the worker die there, and for each step with a needless wake-up after it. Every life must end in the same state, without
// an overdue state, and leave nothing behind.
package worktest
