// Package guest is the roof over what runs inside guests: seed writes the NoCloud config drive. Image building belongs here too.
package guest
