package result

import (
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
)

// Names of estimators and of damage become titles, anchors and names of files:
// only those that l2m writes are read.

func knownEstimator(at string, e mi.Estimator) error {
	if e != mi.Given && !slices.Contains(mi.Estimators(), e) {
		return fmt.Errorf("%s.estimator is %q, which this version of l2m does not know (choose from %v)", at, string(e), mi.Estimators())
	}
	return nil
}

func knownDamage(at, damage string) error {
	d, err := process.ParseDamage(damage)
	if err == nil && d.String() != damage {
		err = fmt.Errorf("damage %q is not how l2m writes %q", damage, d)
	}
	if err != nil {
		return fmt.Errorf("%s.damage: %w", at, err)
	}
	return nil
}
