package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// errCorrupt says that a file's content, not the disk, is the trouble.
var errCorrupt = errors.New("file is corrupt")

// guard runs fn over a memory-mapped file that may be damaged: a fault or a panic that comes of it is errCorrupt.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errCorrupt, r)
		}
	}()
	return fn()
}

// makeFolder makes dir, or makes sure that nobody else gets into the one that is there.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(dir, folderMode); err != nil {
		return fmt.Errorf("close folder to others: %w", err)
	}
	return nil
}

// syncFolder makes what was created, renamed or removed in dir durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// temporary ends the name of a file that is being written. Left behind by a crash it is removed at the next start.
const temporary = ".tmp"

// writeWhole writes a file so that after a crash it is there whole or not at all.
func writeWhole(path string, data []byte) error {
	tmp := path + temporary
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write file: %w", errors.Join(err, os.Remove(tmp)))
	}
	return syncFolder(filepath.Dir(path))
}

// setAside renames a file that cannot be used. It keeps the date its name begins with, so that it expires all the same.
func setAside(path string) error {
	const most = 1000
	for n := 1; n < most; n++ {
		aside := path + asideMark + strconv.Itoa(n)
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(path, aside); err != nil {
			return fmt.Errorf("set file aside: %w", err)
		}
		return syncFolder(filepath.Dir(path))
	}
	return fmt.Errorf("set file aside: %d were set aside already", most-1)
}

// asideMark stands between a file's name and a number once it has been set aside.
const asideMark = ".corrupt-"

// openDB opens a bbolt file, new or old. An error that is errCorrupt means that the file should be set aside.
func openDB(path string) (*bbolt.DB, error) {
	o := *bbolt.DefaultOptions
	o.Timeout = lockWait
	o.FreelistType = bbolt.FreelistMapType
	o.NoStatistics = true
	_, statErr := os.Lstat(path)
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, fileMode, &o)
		return err
	})
	if err == nil {
		err = guard(func() error { return checkSize(db, path) })
	}
	if err == nil && errors.Is(statErr, fs.ErrNotExist) {
		err = syncFolder(filepath.Dir(path)) // bbolt syncs the file, not its name
	}
	if err != nil {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), classify(err))
	}
	return db, nil
}

// checkSize sees to it that the file was not cut: bbolt would find out by a fault, some day.
func checkSize(db *bbolt.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes of %d are there", errCorrupt, info.Size(), tx.Size())
		}
		return nil
	})
}

// classify makes an error of bbolt errCorrupt unless it comes from the system, in which case the file may be sound.
// A file that the system won't let us read is as good as corrupt.
func classify(err error) error {
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, errCorrupt), errors.Is(err, bolterrors.ErrTimeout):
		return err
	case isErrno && errno != syscall.EACCES && errno != syscall.EPERM && errno != syscall.EISDIR:
		return err
	}
	return fmt.Errorf("%w: %w", errCorrupt, err)
}

// trouble returns the class of an error in a word or two, fit for a metric.
func trouble(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errCorrupt):
		return "corrupt"
	case errors.Is(err, bolterrors.ErrTimeout):
		return "locked"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "no space"
	case errors.Is(err, syscall.EROFS):
		return "read-only"
	case errors.Is(err, fs.ErrPermission):
		return "permission"
	case errors.Is(err, syscall.EIO):
		return "input/output"
	}
	return "other"
}
