package rfb

import (
	"image"
	"slices"
	"sync"

	"golang.org/x/image/font/basicfont"
)

// Columns and Rows are the size of a screen in characters, Width and Height in pixels.
const (
	Columns = 80
	Rows    = 25
	Width   = Columns * cellWidth
	Height  = Rows * cellHeight

	cellWidth  = 7
	cellHeight = 13
)

// maxLine bounds what is typed before Return, in characters.
const maxLine = Columns - 2

// Screen is a text terminal: what it shows, and what is typed on it. Safe for concurrent use.
type Screen struct {
	mu     sync.Mutex
	lines  [][]rune // at most Rows; the last one holds the cursor
	host   string
	input  []rune
	stage  stage
	reset  func()
	change uint64 // grows with every change
	moved  chan struct{}
}

type stage int

const (
	atLogin stage = iota
	atPassword
)

// NewScreen makes a screen with some lines of greeting and a login prompt. onReset is called when somebody types Ctrl-Alt-Del; nil: nothing happens then.
func NewScreen(host string, greeting []string, onReset func()) *Screen {
	s := &Screen{host: host, reset: onReset, moved: make(chan struct{}), lines: [][]rune{{}}}
	for _, line := range greeting {
		s.print(line)
		s.newline()
	}
	s.prompt()
	return s
}

// Text gives what the screen shows, line by line, without the cursor.
func (s *Screen) Text() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.lines))
	for i, l := range s.lines {
		out[i] = string(l)
	}
	return out
}

func (s *Screen) print(text string) {
	for _, r := range text {
		if len(s.lines[len(s.lines)-1]) >= Columns {
			s.newline()
		}
		last := &s.lines[len(s.lines)-1]
		*last = append(*last, r)
	}
}

func (s *Screen) newline() {
	s.lines = append(s.lines, []rune{})
	if len(s.lines) > Rows {
		s.lines = slices.Delete(s.lines, 0, len(s.lines)-Rows)
	}
}

func (s *Screen) prompt() {
	switch s.stage {
	case atLogin:
		s.print(s.host + " login: ")
	case atPassword:
		s.print("Password: ")
	}
}

// Keysyms of X11 (keysymdef.h) that the terminal knows besides characters.
const (
	keyBackSpace = 0xff08
	keyReturn    = 0xff0d
	keyEnter     = 0xff8d // of the keypad
	keyDelete    = 0xffff
)

// Type presses one key, by its X11 keysym. Latin-1 keysyms are their characters; 0x01000000 and above are Unicode.
func (s *Screen) Type(keysym uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case keysym == keyReturn || keysym == keyEnter:
		s.enter()
	case keysym == keyBackSpace:
		s.rubOut()
	case keysym >= 0x20 && keysym < 0x7f, keysym >= 0xa0 && keysym <= 0xff:
		s.char(rune(keysym))
	case keysym >= 0x01000100 && keysym <= 0x0110ffff:
		s.char(rune(keysym - 0x01000000))
	default:
		return
	}
	s.touch()
}

func (s *Screen) char(r rune) {
	if len(s.input) >= maxLine {
		return
	}
	s.input = append(s.input, r)
	if s.stage != atPassword {
		s.print(string(r))
	}
}

func (s *Screen) rubOut() {
	if len(s.input) == 0 {
		return
	}
	s.input = s.input[:len(s.input)-1]
	if s.stage == atPassword {
		return
	}
	last := len(s.lines) - 1
	if len(s.lines[last]) == 0 && last > 0 { // the line was wrapped
		s.lines = s.lines[:last]
		last--
	}
	if n := len(s.lines[last]); n > 0 {
		s.lines[last] = s.lines[last][:n-1]
	}
}

// enter ends a line. Nobody can really log in: there is nothing inside.
func (s *Screen) enter() {
	line := string(s.input)
	s.input = nil
	s.newline()
	switch s.stage {
	case atLogin:
		if line != "" {
			s.stage = atPassword
		}
	case atPassword:
		s.print("Login incorrect (this guest is simulated)")
		s.newline()
		s.stage = atLogin
	}
	s.prompt()
}

// ctrlAltDel asks the machine to reboot.
func (s *Screen) ctrlAltDel() {
	s.mu.Lock()
	s.newline()
	s.print("The system is going down for reboot NOW!")
	s.newline()
	s.stage, s.input = atLogin, nil
	s.prompt()
	s.touch()
	reset := s.reset
	s.mu.Unlock()
	if reset != nil {
		reset()
	}
}

func (s *Screen) touch() {
	s.change++
	close(s.moved)
	s.moved = make(chan struct{})
}

// version tells how often the screen changed, and what is closed at its next change.
func (s *Screen) version() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change, s.moved
}

// draw paints the screen in 8-bit brightness.
func (s *Screen) draw() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, Width, Height))
	lines := s.Text()
	for row, line := range lines {
		column := 0
		for _, r := range line {
			paint(img, column, row, r)
			column++
		}
		if row == len(lines)-1 {
			cursor(img, column, row)
		}
	}
	return img
}

// paint copies a glyph of the font's mask: 95 ASCII glyphs and a replacement, each 13 rows of 6 pixels, one below the other.
func paint(img *image.Gray, column, row int, r rune) {
	face := basicfont.Face7x13
	mask, ok := face.Mask.(*image.Alpha)
	if !ok {
		return
	}
	index := 95 // the replacement
	for _, rr := range face.Ranges {
		if rr.Low <= r && r < rr.High {
			index = int(r-rr.Low) + rr.Offset
			break
		}
	}
	for y := range cellHeight {
		for x := range face.Width {
			if mask.AlphaAt(x, index*cellHeight+y).A != 0 {
				img.Pix[(row*cellHeight+y)*img.Stride+column*cellWidth+x] = 0xc8
			}
		}
	}
}

func cursor(img *image.Gray, column, row int) {
	if column >= Columns {
		return
	}
	for y := range cellHeight {
		for x := range cellWidth - 1 {
			img.Pix[(row*cellHeight+y)*img.Stride+column*cellWidth+x] = 0x90
		}
	}
}
