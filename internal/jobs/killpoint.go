package jobs

// steps is told the name of each moment; nil: nobody is.
type steps func(name string)

// at says that a moment has come.
func (s steps) at(name string) {
	if s != nil {
		s(name)
	}
}
