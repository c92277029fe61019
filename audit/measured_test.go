package audit

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/result"
)

// The capacities that the command knows are those of the stored study.
func TestMeasuredCapacitiesAreThoseOfTheStudy(t *testing.T) {
	f, err := os.Open("../docs/studies/recall/study.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := result.Read[result.Study](f, f.Name())
	if err != nil {
		t.Fatal(err)
	}
	got, want := Measured(), LargestCapacities(s.Capacities("main"))
	if len(got) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("measured.json has\n%+v\nand the study\n%+v\n(go run lab/study/tables.go writes it)", got, want)
	}
	for i, c := range got {
		if !(c.Lowest <= c.Mean && c.Mean <= c.Highest) || c.Mean <= 0 || i > 0 && c.Mean > got[i-1].Mean {
			t.Errorf("%+v", c)
		}
	}
}

// Of the sizes of a mechanism the one counts whose numbers carried most.
func TestLargestCapacities(t *testing.T) {
	got := LargestCapacities([]result.StudyCapacity{{Model: "a-1", Family: "a", Mean: 1}, {Model: "b", Family: "b", Mean: 2}, {Model: "c", Mean: 9}, {Model: "a-2", Family: "a", Mean: 3}, {Model: "a-3", Family: "a", Mean: 2.5}})
	if len(got) != 2 || got[0].Model != "a-2" || got[1].Model != "b" || got[1].Mean != 2 {
		t.Errorf("%+v", got)
	}
}

// --capacity measured stands beside stated capacities, each under its source, and comes
// back in the command that repeats the audit.
func TestCapacityMeasured(t *testing.T) {
	nats, from, err := parseCapacities("0.5,measured")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := parseCapacities("mesured"); err == nil || !strings.Contains(err.Error(), `"mesured" is neither`) || !strings.Contains(err.Error(), "measured, nor") {
		t.Error(err)
	}
	o := Options{Capacities: nats, CapacityFrom: from}
	if c := o.Command(); !strings.Contains(c, "--capacity 0.5,measured") {
		t.Error(c)
	}
	names, err := o.readCapacities()
	if err != nil || len(names) != 1+len(Measured()) || names[0] != "" || !strings.Contains(names[1], "study recall") || len(o.Capacities) != len(names) {
		t.Errorf("%q, %v, %v", names, o.Capacities, err)
	}
}
