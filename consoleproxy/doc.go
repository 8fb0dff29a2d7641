// Package consoleproxy is the door to machines' screens: a websocket that carries RFB (VNC), opened once with a short-lived token, and a small page with a viewer.
//
//   - door.go: New, the paths, limits
//   - ticket.go: Issue, the store's interface, a store in memory
//   - session.go: copying bytes both ways until one side is done
//   - page.go, page/: the built-in viewer; it loads nothing from elsewhere
//
// Any noVNC works with the websocket too: subprotocol "binary", one RFB stream in binary messages.
//
// What does not live here: who may see a machine (cloud/compute asks before Issue), how to reach its host (Config.Dial), RFB itself (engine/sim/rfb, QEMU).
package consoleproxy
