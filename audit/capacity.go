package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// readCapacities adds the capacities measured by the comparisons in CapacityFrom, or in
// our own study, to Capacities. names has the model of each capacity, "" for given ones; it is nil
// without CapacityFrom.
func (o *Options) readCapacities() (names []string, err error) {
	if len(o.CapacityFrom) == 0 {
		return nil, nil
	}
	names = make([]string, len(o.Capacities))
	o.Capacities = slices.Clone(o.Capacities)
	for _, dir := range o.CapacityFrom {
		if dir == measuredWord {
			for _, c := range Measured() {
				o.Capacities = append(o.Capacities, c.Mean)
				names = append(names, c.Family+", study recall")
			}
			continue
		}
		c, err := readComparison(dir)
		if err != nil {
			return nil, err
		}
		before := len(names)
		for _, r := range c.Runs {
			if r.Capacity == nil || !(r.Capacity.NatsPerElement.Value > 0) {
				continue
			}
			o.Capacities = append(o.Capacities, r.Capacity.NatsPerElement.Value)
			names = append(names, modelName(r.Capacity.Config))
		}
		if len(names) == before {
			return nil, fmt.Errorf("--capacity %s: this comparison measured no capacity; compare with a configuration for each run (l2m compare RUN… --config CONFIG)", dir)
		}
	}
	return names, nil
}

func readComparison(dir string) (*result.Comparison, error) {
	file := filepath.Join(dir, rundir.Compare.Document)
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--capacity %s: %w (is it the directory of l2m compare?)", dir, err)
	}
	defer f.Close()
	c, err := result.Read[result.Comparison](f, file)
	if err != nil {
		return nil, fmt.Errorf("--capacity: %w", err)
	}
	return c, nil
}
