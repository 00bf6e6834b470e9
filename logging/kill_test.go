package logging_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/keersluis/keersluis/logging"
)

// victim names the folder of the store that this process, started by TestKill, is to fill until it is killed.
const victim = "KEERSLUIS_TEST_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		fmt.Fprintln(os.Stderr, fill(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// fill records some twenty events a millisecond and tells how many, every ten.
func fill(dir string) error {
	s, err := logging.Open(dir, logging.Options{Mode: logging.Pseudonymous, Now: time.Now})
	if err != nil {
		return err
	}
	go s.Run(context.Background()) // until killed
	tick := time.NewTicker(time.Millisecond)
	for n := 1; ; n++ {
		<-tick.C
		for i := range 20 {
			e := someEvent
			e.At = time.Time{}
			e.Category = strconv.Itoa(n % 50 * i)
			s.Record(e)
		}
		if n%10 == 0 {
			fmt.Println(20 * n)
		}
	}
}

// Killed under load, again and again on the same folder, the store loses at most the last second, and no file is damaged.
func TestKill(t *testing.T) {
	const (
		second = time.Second + 500*time.Millisecond // and the commit itself, on a busy machine
		life   = 2500 * time.Millisecond
	)
	dir := t.TempDir()
	var sure uint64 // events that must have survived, of all lives
	for range 2 {
		survivors := liveAndDie(t, dir, life, second)
		verify(t, dir)
		if aside, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.corrupt-*")); err != nil || len(aside) > 0 {
			t.Errorf("set aside: %v, %v", aside, err)
		}
		s, stop := running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: time.Now})
		today := logging.DayOf(time.Now(), time.UTC)
		got := requests(records(t, s, today-1, today+1))
		if sure += survivors; got < sure || survivors == 0 {
			t.Errorf("%d events survived, want at least %d", got, sure)
		}
		sure = got
		stop()
	}
}

// liveAndDie lets a child fill dir, kills it, and returns how many events it had recorded a while before that.
func liveAndDie(t *testing.T, dir string, life, lag time.Duration) uint64 {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victim+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	death := time.AfterFunc(life, func() { _ = child.Process.Kill() })
	defer death.Stop()
	type report struct {
		at     time.Time
		events uint64
	}
	var reports []report
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			t.Errorf("child said %q", lines.Text())
		}
		reports = append(reports, report{time.Now(), n})
	}
	died := time.Now()
	_ = child.Wait() // it was killed: that is its error
	var sure uint64
	for _, r := range reports {
		if died.Sub(r.at) > lag {
			sure = r.events
		}
	}
	return sure
}
