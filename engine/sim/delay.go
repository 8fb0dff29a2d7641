package sim

import (
	"context"
	"math"
	"time"
)

// Delay is how long something takes, as a function of a number u in [0, 1).
type Delay func(u float64) time.Duration

// Fixed takes always the same time.
func Fixed(d time.Duration) Delay { return func(float64) time.Duration { return d } }

// Uniform takes from low to high, all alike.
func Uniform(low, high time.Duration) Delay {
	return func(u float64) time.Duration { return low + time.Duration(u*float64(high-low)) }
}

// Exponential has many short and few long times around a mean; it never takes more than 20 times the mean.
func Exponential(mean time.Duration) Delay {
	return func(u float64) time.Duration {
		return min(time.Duration(-math.Log(1-u)*float64(mean)), 20*mean)
	}
}

// LogNormal is how real operations look: half of them take less than median, a few very long. sigma 0.5 is mild, 1 is wild.
func LogNormal(median time.Duration, sigma float64) Delay {
	return func(u float64) time.Duration {
		u = min(max(u, 1e-9), 1-1e-9)
		return time.Duration(float64(median) * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*u-1)))
	}
}

// sleep waits for d or until ctx ends. It makes no timer when there is nothing to wait for, so that an instant world is instant in a synctest bubble too.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
