// Package guest is the roof over what runs inside guests: seed writes the NoCloud config drive, tiny and debian build images that read it.
package guest
