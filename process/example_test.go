package process_test

import (
	"fmt"

	"github.com/l2m-lab/l2m/process"
)

func ExampleParse() {
	p, err := process.Parse("powergauss:beta=0.5,b=1,signs=random@3")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, L := range []int{4, 16, 64} {
		mi, _ := p.BipartiteMI(L/2, L)
		fmt.Printf("I(%d;%d) = %.4f nats\n", L/2, L, mi)
	}
	numbers := p.(process.Process[float64])
	fmt.Println(len(numbers.Sample(process.NewRand(1, 0), 1000)), "numbers")
	// Output:
	// I(2;4) = 0.8284 nats
	// I(8;16) = 1.6569 nats
	// I(32;64) = 3.3137 nats
	// 1000 numbers
}
