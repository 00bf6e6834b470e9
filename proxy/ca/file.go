package ca

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds what is read of a file, in bytes.
const maxFile = 64 << 10

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the CA: %w", err)
	}
	return true, nil
}

// checkPrivate refuses a key that anyone but its owner can use: others may have copied it already.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the CA key: %w", err)
	}
	if p := info.Mode().Perm(); p&0o077 != 0 {
		return fmt.Errorf("%s is open to others (mode %#o): if nobody has copied it, run chmod 600 on it", path, p)
	}
	return nil
}

// readPEM returns the contents of the only block in a file, which must be of the kind.
func readPEM(path, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	defer f.Close() // only read: nothing to lose
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s does not begin with a PEM block %q", path, kind)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, fmt.Errorf("%s holds more than one PEM block: leave only the CA's own", path)
	}
	return block.Bytes, nil
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the CA folder: %w", err)
	}
	return nil
}

// writeFile puts data in dir under name, readable by the owner only. Whenever the machine stops, the file is there whole
// or not at all.
func writeFile(dir, name string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, name+".*") // 0600
	if err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	return syncFolder(dir)
}

// syncFolder makes the names in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the CA folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync the CA folder: %w", err)
	}
	return nil
}
