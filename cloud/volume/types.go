package volume

import "slices"

// Type is a kind of disk that callers choose from. All are kept in the host's one pool: the choice is remembered and shown, and decides nothing else.
type Type struct {
	UID  string
	Name string
}

// types are IEC's names (api/iec/volume.yaml and its clients' tests). The first is what a disk has that names none.
var types = []Type{
	{"7d3f3c5e-52b4-4f1c-9a55-0d1f4c7be001", "SAS"},
	{"7d3f3c5e-52b4-4f1c-9a55-0d1f4c7be002", "SATA"},
	{"7d3f3c5e-52b4-4f1c-9a55-0d1f4c7be003", "GPSSD"},
	{"7d3f3c5e-52b4-4f1c-9a55-0d1f4c7be004", "SSD"},
}

// Types lists the kinds of disk.
func Types() []Type { return slices.Clone(types) }

// KnownType tells whether there is a kind of disk of this name.
func KnownType(name string) bool {
	return slices.ContainsFunc(types, func(t Type) bool { return t.Name == name })
}
