// Package check looks for what should never be: rows that contradict each other, and engines that have more or less than the rows say (bars.md, E4).
//
// Rows holds at every moment, whatever is under way; Settled and Engines hold when nothing is under way any more. Findings are values: an operator reads them
// (edgecloud admin check), and tests of every kind demand that there are none.
//
// It changes nothing, and knows no engine: what engines have is given to it as a list.
package check
