package audit

import (
	"errors"
	"testing"

	"github.com/keersluis/keersluis/logging"
)

// Memory is bounded by the number of persons, each counted once a cell and epoch.
func TestCounterIsBounded(t *testing.T) {
	const room = 100
	c := counter{cells: make(map[place]*group), room: room}
	somebody := logging.NewPseudonymiser([32]byte{}, "test", "person").Of("x")
	for epoch := range uint32(room) { // another epoch is another person
		for range 3 {
			if err := c.add(logging.Record{Epoch: epoch + 1, Person: somebody}); err != nil {
				t.Fatalf("person %d: %v", epoch+1, err)
			}
		}
	}
	if err := c.add(logging.Record{Person: somebody}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one person more: %v, want ErrTooLarge", err)
	}
}
