// Package cecstack is the door of CECSTACK 5.2 ECS, tenant side and operator side: it authenticates, decodes, calls the cloud and encodes; it holds no state
// and no rule. Signatures and tokens are checked in cecstack/auth, wire types are generated into cecstack/wire.
package cecstack
