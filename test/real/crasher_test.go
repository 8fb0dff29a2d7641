package real_test

import (
	"errors"
	"sync"

	"edgecloud/agent"
)

// crasher lets an agent die once at a named point.
type crasher struct {
	mu sync.Mutex
	at string
}

var errCrash = errors.New("crash")

func (c *crasher) point(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == "" || c.at != name {
		return nil
	}
	c.at = ""
	return errCrash
}

func (c *crasher) arm(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// fired tells that nothing is armed any more.
func (c *crasher) fired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at == ""
}

// keepAlive starts the agent again whenever it dies, until the returned function is called, which tells how often.
func (n *node) keepAlive() (end func() int) {
	times := 0
	ended, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case err := <-n.done:
				if !errors.Is(err, agent.ErrHalted) {
					n.site.t.Errorf("agent of %s ended: %v", n.Name, err)
				}
				times++
				n.start()
			case <-quit:
				return
			}
		}
	}()
	stop := sync.OnceFunc(func() { close(quit); <-ended })
	n.site.t.Cleanup(stop)
	return func() int { stop(); return times }
}
