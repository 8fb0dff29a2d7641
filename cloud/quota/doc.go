// Package quota counts what accounts hold against what they may hold.
//
// Use is counted in the transaction that makes or removes the thing, by one statement that refuses to pass the limit; so the count equals the sum of the rows
// at every moment, and two creates never pass a limit together. A test compares the two.
package quota
