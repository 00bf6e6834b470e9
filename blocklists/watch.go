package blocklists

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// maxLinks bounds the symbolic links followed from one path.
const maxLinks = 40

// watcher tells when something happens in the folders that files lie in: not to the files, as editors and
// deployment tools replace those.
type watcher struct {
	fs      *fsnotify.Watcher
	watched map[string]bool
	blind   bool // some folder can't be watched: look at the files by the clock
}

// newWatcher returns a watcher. Where the system has none to give it is blind.
func newWatcher(log *zap.Logger) *watcher {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("lists can't be watched for changes and are looked at each second instead", zap.Error(err))
		return &watcher{fs: &fsnotify.Watcher{}, blind: true}
	}
	return &watcher{fs: fs, watched: map[string]bool{}}
}

func (w *watcher) close() {
	if w.watched != nil {
		_ = w.fs.Close() // nothing was written
	}
}

// follow makes w watch every folder whose change can change one of the paths, and no other.
func (w *watcher) follow(paths []string) {
	if w.watched == nil {
		return
	}
	want := map[string]bool{}
	for _, p := range paths {
		folders(p, want)
	}
	for dir := range w.watched {
		if !want[dir] {
			_ = w.fs.Remove(dir) // gone already, mostly
			delete(w.watched, dir)
		}
	}
	w.blind = false
	for dir := range want {
		// Added again each time: a folder that was removed and made anew has lost its watch.
		if err := w.fs.Add(dir); err != nil {
			w.blind = true
			continue
		}
		w.watched[dir] = true
	}
}

// folders adds to set the folders in which path and each symbolic link on the way to it lie; for a folder that path is,
// itself too. Where the way ends early, the last folder that exists is watched: the rest may appear in it.
func folders(path string, set map[string]bool) {
	rest := strings.Split(strings.TrimPrefix(filepath.Clean(path), "/"), "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		info, err := os.Lstat(next)
		if err != nil {
			set[at] = true
			return
		}
		if info.IsDir() {
			if len(rest) == 1 {
				set[at], set[next] = true, true
			}
			at, rest = next, rest[1:]
			continue
		}
		set[at] = true
		if info.Mode()&os.ModeSymlink == 0 {
			return
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(filepath.Clean(target), "/"), "/"), rest[1:]...)
	}
}
