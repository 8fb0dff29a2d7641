package identity

// Ring seals secrets at rest: store's Keyring. context binds a sealed secret to its place; opening with another one fails.
type Ring interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}
