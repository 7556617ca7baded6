package jobstest

// OtherSched is a second scheduler, which gives out the same ids.
type OtherSched struct{ *Scheduler }

func (OtherSched) Name() string { return "local" }
