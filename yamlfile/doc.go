// Package yamlfile reads one YAML file of an administrator into a struct, strictly: an unknown or doubled key, a value of
// the wrong type and a value that its type refuses are all reported, each with file, line, column, path and, where there
// is one, the nearest valid spelling; and all at once, so that a file is mended in one go.
//
// The struct that goes in holds the defaults. What the file does not mention keeps its default, at every depth: mappings
// are laid over the default one key at a time, lists and single values replace it. A key with nothing behind it is not
// mentioned.
//
// The fields of a struct that have a `yaml:"name"` tag are read; they may be strings, booleans, integers, time.Duration,
// [encoding.TextUnmarshaler] (the hook by which a type refuses a value), structs, pointers to these, slices, and maps with
// a string-like key.
//
// It reads a plain subset of YAML 1.2: one document, and no anchors, aliases, merge keys, tags or directives, which would
// let a file mean something else than it seems to say. It does not write YAML, expand variables or include files.
package yamlfile
