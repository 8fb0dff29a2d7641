// Package iec is the door of the iec dialect: Huawei's Intelligent Edge Cloud v1, and the identity service (IAM) with the calls that its clients make at login.
//
// It authenticates, decodes, calls the cloud and encodes; it holds no state and no rule. Signatures and tokens are checked in iec/auth, wire types are generated
// into iec/wire.
package iec
