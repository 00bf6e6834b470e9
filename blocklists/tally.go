package blocklists

import "github.com/keersluis/keersluis/filter"

// maxComplaints bounds the complaints kept of one source; all are counted.
const maxComplaints = 100

// tally is what one walk of a list came to.
type tally struct {
	entries    int // that the text has
	refused    int // of these, by the compiler; it stops counting at a bound of its own
	complaints int // lines that are no entry
	kept       []filter.Complaint
	err        error // of reading; the list was not walked to its end
}

func (t *tally) reset() { *t = tally{} }

func (t *tally) count(yield func(filter.Entry) bool) func(filter.Entry) bool {
	return func(e filter.Entry) bool {
		t.entries++
		return yield(e)
	}
}

func (t *tally) complain(list string) func(filter.Complaint) {
	return func(c filter.Complaint) {
		c.List = list
		t.add(c)
	}
}

func (t *tally) add(c filter.Complaint) {
	t.complaints++
	t.keep(c)
}

func (t *tally) keep(c filter.Complaint) {
	if len(t.kept) < maxComplaints {
		t.kept = append(t.kept, c)
	}
}
