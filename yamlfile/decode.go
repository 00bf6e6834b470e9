package yamlfile

import (
	"encoding"
	"fmt"
	"reflect"
	"time"

	"github.com/goccy/go-yaml/ast"
)

var (
	unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	duration    = reflect.TypeFor[time.Duration]()
)

// pair is one key of a mapping.
type pair struct {
	key   string
	at    position
	value ast.Node
}

func (d *Document) decodeRoot(body ast.Node, into any) {
	d.decode(body, "", reflect.ValueOf(into).Elem())
}

// decode reads n into v, which is settable and holds the default.
func (d *Document) decode(n ast.Node, path string, v reflect.Value) {
	if n == nil || n.Type() == ast.NullType {
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.decode(n, path, fresh.Elem())
		v.Set(fresh)
		return
	case v.Addr().Type().Implements(unmarshaler):
		d.decodeText(n, path, v)
		return
	case v.Type() == duration:
		d.decodeDuration(n, path, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(n, path, v)
	case reflect.Map:
		d.decodeMap(n, path, v)
	case reflect.Slice:
		d.decodeSlice(n, path, v)
	default:
		d.decodeScalar(n, path, v)
	}
}

// wants notes that the value at path is of the wrong type.
func (d *Document) wants(n ast.Node, path string, t reflect.Type) {
	d.add(d.at(path), path, fmt.Sprintf("wants %s, not %s", describe(t), found(n)))
}

func (d *Document) decodeStruct(n ast.Node, path string, v reflect.Value) {
	pairs, ok := d.pairs(n, path, v.Type())
	if !ok {
		return
	}
	fields, names := fieldsOf(v.Type())
	for _, p := range pairs {
		below := join(path, p.key)
		i, ok := fields[p.key]
		if !ok {
			d.add(p.at, below, "unknown key"+hint(p.key, names))
			continue
		}
		d.decode(p.value, below, v.Field(i))
	}
}

// decodeMap lays the mapping n over the map v, in a new map: the default may be shared.
func (d *Document) decodeMap(n ast.Node, path string, v reflect.Value) {
	t := v.Type()
	pairs, ok := d.pairs(n, path, t)
	if !ok {
		return
	}
	fresh := reflect.MakeMapWithSize(t, v.Len()+len(pairs))
	for _, k := range v.MapKeys() {
		fresh.SetMapIndex(k, v.MapIndex(k))
	}
	for _, p := range pairs {
		below := join(path, p.key)
		key := reflect.New(t.Key()).Elem()
		if u, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(p.key)); err != nil {
				d.add(p.at, below, err.Error())
				continue
			}
		} else {
			key.SetString(p.key)
		}
		elem := reflect.New(t.Elem()).Elem()
		if old := fresh.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		d.decode(p.value, below, elem)
		fresh.SetMapIndex(key, elem)
	}
	v.Set(fresh)
}

func (d *Document) decodeSlice(n ast.Node, path string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wants(n, path, v.Type())
		return
	}
	fresh := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, elem := range seq.Values {
		below := fmt.Sprintf("%s[%d]", path, i)
		d.positions[below] = nodeAt(elem)
		if elem.Type() == ast.NullType {
			d.add(d.at(below), below, "is empty")
			continue
		}
		d.decode(elem, below, fresh.Index(i))
	}
	v.Set(fresh)
}

// pairs returns the keys of the mapping n and notes where they stand, and which are there twice. False when n is none.
func (d *Document) pairs(n ast.Node, path string, want reflect.Type) ([]pair, bool) {
	var nodes []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		nodes = n.Values
	case *ast.MappingValueNode:
		nodes = []*ast.MappingValueNode{n}
	default:
		d.wants(n, path, want)
		return nil, false
	}
	pairs := make([]pair, 0, len(nodes))
	first := make(map[string]position, len(nodes))
	for _, node := range nodes {
		tk := node.Key.GetToken()
		p := pair{key: tk.Value, at: tokenAt(tk), value: node.Value}
		if at, ok := first[p.key]; ok {
			d.note(p.at, join(path, p.key), fmt.Sprintf("given twice; the first is on line %d", at.line))
			continue
		}
		first[p.key] = p.at
		d.positions[join(path, p.key)], d.keys[join(path, p.key)] = valueAt(p), p.at
		pairs = append(pairs, p)
	}
	return pairs, true
}

// valueAt returns where the value of a key stands to a reader: on its own place, or with the key where it is a block below
// it or nothing.
func valueAt(p pair) position {
	switch n := p.value.(type) {
	case nil, *ast.NullNode, *ast.MappingValueNode:
		return p.at
	case *ast.MappingNode:
		if !n.IsFlowStyle {
			return p.at
		}
	case *ast.SequenceNode:
		if !n.IsFlowStyle {
			return p.at
		}
	}
	return nodeAt(p.value)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fieldsOf returns the index of each field by its key, and the keys in the order of the struct.
func fieldsOf(t reflect.Type) (map[string]int, []string) {
	fields, names := make(map[string]int, t.NumField()), make([]string, 0, t.NumField())
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	return fields, names
}
