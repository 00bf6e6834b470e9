package blocklists

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxEdited bounds a file that is edited by command, in bytes: it is held in memory.
const maxEdited = 64 << 20

// editFile replaces what the file at path holds by what edit makes of it: whole or not at all, also when the power fails. The
// file behind a symbolic link is replaced, not the link. Permission bits and owner stay; access control lists don't.
func editFile(path string, edit func([]byte) ([]byte, error)) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return mend(path, err)
	}
	dir, err := os.Open(filepath.Dir(real))
	if err != nil {
		return mend(filepath.Dir(real), err)
	}
	defer dir.Close()
	// The folder is locked, as the file becomes another. Who else edits holds the lock for as long as that takes, no longer.
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	text, info, err := readWhole(real)
	if err != nil {
		return err
	}
	edited, err := edit(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := replaceFile(real, edited, info); err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir.Name(), err)
	}
	return nil
}

// readWhole returns a file that may be written, and what it looked like.
func readWhole(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, mendWrite(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("look at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > maxEdited:
		return nil, nil, fmt.Errorf("%s is larger than the %d MiB that commands edit", path, maxEdited>>20)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxEdited))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, info, nil
}

// mendWrite says what to do about a file that can't be written.
func mendWrite(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s may not be written; run the command as its owner", path)
	}
	return mend(path, err)
}

// replaceFile puts text in place of the file that info is of, unless that has changed since.
func replaceFile(path string, text []byte, info fs.FileInfo) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return mendWrite(filepath.Dir(path), err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error before says more
		}
	}()
	if err := errors.Join(fill(f, text, info), f.Close()); err != nil {
		return fmt.Errorf("write beside %s: %w", path, err)
	}
	now, err := os.Stat(path)
	if err != nil || !os.SameFile(info, now) || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		return fmt.Errorf("%s was changed by somebody else meanwhile; nothing was done, try again", path)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}

// fill makes f a file with this text, and with the permissions and owner that info tells, on the disk.
func fill(f *os.File, text []byte, info fs.FileInfo) error {
	if want, ok := info.Sys().(*syscall.Stat_t); ok {
		have, err := f.Stat()
		if err != nil {
			return err
		}
		got, ok := have.Sys().(*syscall.Stat_t)
		if !ok || got.Uid != want.Uid || got.Gid != want.Gid {
			if err := f.Chown(int(want.Uid), int(want.Gid)); err != nil {
				return fmt.Errorf("keep its owner; run the command as that: %w", err)
			}
		}
	}
	if err := f.Chmod(info.Mode()); err != nil { // after Chown, which takes the set-id bits away
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}
