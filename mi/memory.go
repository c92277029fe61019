package mi

// InMemory is a source of windows of length tokens that are in memory.
func InMemory(length int, windows []Window) Source { return memory{length, windows} }

type memory struct {
	length  int
	windows []Window
}

func (s memory) Length() int { return s.length }

func (s memory) Each(yield func(Window) error) error {
	for _, w := range s.windows {
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}
