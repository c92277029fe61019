package info

import "fmt"

// Plural counts things: "1 byte", "3 bytes".
func Plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
