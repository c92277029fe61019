// Package thorough is the switch between tests that one runs all day and those that
// CI runs once: simulations are repeated more often, and tests of many seconds are
// not skipped, where the environment variable L2M_THOROUGH is set.
package thorough

import "os"

// Tests reports whether tests are to be thorough.
func Tests() bool { return os.Getenv("L2M_THOROUGH") != "" }
