package result

// Failure is an error with the record by which DataLad would report it. The
// record has not been sent to the sink: whoever shows the error decides.
type Failure struct {
	Record Record
	Err    error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }
