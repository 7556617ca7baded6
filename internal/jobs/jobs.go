// Package jobs carries batch jobs from submission to commit: schedule takes
// the outputs a job will write and submits the user's own line, finish commits
// what completed jobs produced, reschedule does a recorded job again. What is
// in flight is kept in the ledger, so that no job is lost or submitted twice.
//
// The package knows no particular scheduler, prints nothing, and never holds
// the repository's lease while the user's line, a transfer or a scheduler runs.
package jobs
