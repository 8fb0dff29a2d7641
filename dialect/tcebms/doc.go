// Package tcebms is the door of Tencent TCE bare metal (BMS), version 2018-08-13: it authenticates, decodes, calls the cloud and encodes; it holds no state and
// no rule. Signatures are checked in tcebms/auth, wire types are generated into tcebms/wire.
package tcebms
