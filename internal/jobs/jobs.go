// Package jobs lists the jobs of a dataset and does what people do to their
// entries by hand: adopt a job whose submission is uncertain, release a claim,
// take over those of the Slurm extension of DataLad, prune old ones. The packages
// below it carry a job from submission to commit: schedule (and sweep, for the
// rows of a table) takes the outputs a job will write and submits the user's own
// line, finish commits what completed jobs produced, reschedule does a recorded
// job again. What is in flight is kept in the ledger, so that no job is lost or
// submitted twice.
//
// None of them knows a particular scheduler, or prints anything.
package jobs
