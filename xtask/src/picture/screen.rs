//! A terminal of a fixed width and any height: text with escape sequences goes in, styled cells come out.
//!
//! Understood are the sequences of ECMA-48 that programs use to colour, to overwrite a line and to move a few
//! lines; others are skipped. Every character takes one cell.

/// A colour as a program asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Number in the palette of 256.
    Palette(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Colour of the letter; `None` is the terminal's own.
    pub foreground: Option<Colour>,
    /// Colour behind the letter; `None` is the terminal's own.
    pub background: Option<Colour>,
    /// Heavier.
    pub bold: bool,
    /// Fainter.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Letter and background exchanged.
    pub inverse: bool,
}

/// One character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub letter: char,
    /// How it looks.
    pub style: Style,
}

const BLANK: Cell = Cell {
    letter: ' ',
    style: Style {
        foreground: None,
        background: None,
        bold: false,
        dim: false,
        italic: false,
        underline: false,
        inverse: false,
    },
};

/// What the next character belongs to.
enum State {
    Ground,
    Escape,
    Control(String),
    /// An operating system command; true after an escape character, which may begin its end.
    Command(bool),
    /// One character that names a character set.
    CharacterSet,
}

/// The terminal.
pub struct Screen {
    columns: usize,
    rows: Vec<Vec<Cell>>,
    row: usize,
    column: usize,
    style: Style,
    state: State,
}

impl Screen {
    /// An empty terminal.
    pub fn new(columns: usize) -> Self {
        Self { columns, rows: Vec::new(), row: 0, column: 0, style: Style::default(), state: State::Ground }
    }

    /// Takes in what a program printed.
    pub fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.state = match std::mem::replace(&mut self.state, State::Ground) {
                State::Ground => self.plain(letter),
                State::Escape => escape(letter),
                State::Control(parameters) => self.control(parameters, letter),
                State::Command(_) if letter == '\x07' => State::Ground,
                State::Command(true) if letter == '\\' => State::Ground,
                State::Command(_) => State::Command(letter == '\x1b'),
                State::CharacterSet => State::Ground,
            };
        }
    }

    /// The rows from the top to the last that is not blank, each without the blanks at its end.
    pub fn rows(&self) -> Vec<Vec<Cell>> {
        let mut rows = self.rows.clone();
        for row in &mut rows {
            while row.last() == Some(&BLANK) {
                row.pop();
            }
        }
        while rows.last().is_some_and(Vec::is_empty) {
            rows.pop();
        }
        rows
    }

    fn plain(&mut self, letter: char) -> State {
        match letter {
            '\x1b' => return State::Escape,
            '\r' => self.column = 0,
            '\n' => self.row += 1,
            '\x08' => self.column = self.column.min(self.columns).saturating_sub(1),
            '\t' => self.column = ((self.column / 8 + 1) * 8).min(self.columns.saturating_sub(1)),
            letter if letter.is_control() => {}
            letter => self.put(letter),
        }
        State::Ground
    }

    fn put(&mut self, letter: char) {
        if self.column >= self.columns {
            self.column = 0;
            self.row += 1;
        }
        let (column, style) = (self.column, self.style);
        let line = self.line();
        if line.len() <= column {
            line.resize(column + 1, BLANK);
        }
        if let Some(cell) = line.get_mut(column) {
            *cell = Cell { letter, style };
        }
        self.column += 1;
    }

    /// The line of the cursor, made when there is none.
    fn line(&mut self) -> &mut Vec<Cell> {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, Vec::new());
        }
        &mut self.rows[self.row]
    }

    /// One more character of a control sequence: a parameter, or the letter that says what to do.
    fn control(&mut self, mut parameters: String, letter: char) -> State {
        if !('\x40'..='\x7e').contains(&letter) {
            parameters.push(letter);
            return State::Control(parameters);
        }
        let numbers: Vec<usize> =
            parameters.split([';', ':']).map(|text| text.parse().unwrap_or(0)).collect();
        let first = numbers.first().copied().unwrap_or(0);
        let distance = first.max(1);
        match letter {
            'm' => self.restyle(&numbers),
            'K' => self.erase_in_line(first),
            'J' => self.erase_below(first),
            'A' => self.row = self.row.saturating_sub(distance),
            'B' => self.row += distance,
            'C' => self.column = (self.column + distance).min(self.columns.saturating_sub(1)),
            'D' => self.column = self.column.saturating_sub(distance),
            'G' => self.column = (distance - 1).min(self.columns.saturating_sub(1)),
            _ => {}
        }
        State::Ground
    }

    /// `0` from the cursor on, `1` up to it, `2` all.
    fn erase_in_line(&mut self, part: usize) {
        let column = self.column;
        let line = self.line();
        match part {
            0 => line.truncate(column),
            1 => line.iter_mut().take(column + 1).for_each(|cell| *cell = BLANK),
            _ => line.clear(),
        }
    }

    /// `0` from the cursor on. Others would take away what was recorded before, which a picture keeps.
    fn erase_below(&mut self, part: usize) {
        if part == 0 {
            self.erase_in_line(0);
            self.rows.truncate(self.row + 1);
        }
    }

    fn restyle(&mut self, numbers: &[usize]) {
        let mut rest = numbers.iter().copied();
        while let Some(number) = rest.next() {
            match number {
                0 => self.style = Style::default(),
                1 => self.style.bold = true,
                2 => self.style.dim = true,
                3 => self.style.italic = true,
                4 => self.style.underline = true,
                7 => self.style.inverse = true,
                22 => (self.style.bold, self.style.dim) = (false, false),
                23 => self.style.italic = false,
                24 => self.style.underline = false,
                27 => self.style.inverse = false,
                38 => self.style.foreground = extended(&mut rest),
                39 => self.style.foreground = None,
                48 => self.style.background = extended(&mut rest),
                49 => self.style.background = None,
                number => self.restyle_basic(number),
            }
        }
    }

    /// The sixteen colours that have numbers of their own.
    fn restyle_basic(&mut self, number: usize) {
        let palette = |base: usize| u8::try_from(number - base).ok().map(Colour::Palette);
        match number {
            30..=37 => self.style.foreground = palette(30),
            40..=47 => self.style.background = palette(40),
            90..=97 => self.style.foreground = palette(82),
            100..=107 => self.style.background = palette(92),
            _ => {}
        }
    }
}

fn escape(letter: char) -> State {
    match letter {
        '[' => State::Control(String::new()),
        ']' => State::Command(false),
        '(' | ')' | '#' => State::CharacterSet,
        _ => State::Ground,
    }
}

/// `5;n` is a number in the palette, `2;r;g;b` a colour.
fn extended(rest: &mut impl Iterator<Item = usize>) -> Option<Colour> {
    let mut byte = || rest.next().and_then(|number| u8::try_from(number).ok());
    match byte()? {
        5 => byte().map(Colour::Palette),
        2 => Some(Colour::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut screen = Screen::new(10);
        screen.write(text);
        screen.rows().iter().map(|row| row.iter().map(|cell| cell.letter).collect()).collect()
    }

    fn style(text: &str) -> Style {
        let mut screen = Screen::new(10);
        screen.write(text);
        screen.rows().pop().unwrap().pop().unwrap().style
    }

    #[test]
    fn lines_wrap_and_end() {
        assert_eq!(lines("0123456789ab\r\ncd \r\n\r\n"), ["0123456789", "ab", "cd"]);
        assert_eq!(lines("0123456789\r\nx"), ["0123456789", "x"], "a full line does not wrap by itself");
    }

    #[test]
    fn a_line_is_overwritten() {
        assert_eq!(lines("10%\r100%"), ["100%"]);
        assert_eq!(lines("long text\rok\x1b[K"), ["ok"]);
        assert_eq!(lines("ab\x08c"), ["ac"]);
        assert_eq!(lines("one\r\ntwo\x1b[A\x1b[2K\rnew"), ["new", "two"]);
        assert_eq!(lines("one\r\ntwo\r\x1b[A\x1b[J."), ["."]);
    }

    #[test]
    fn tabs_and_moves_stay_in_the_width() {
        assert_eq!(lines("a\tb\tc"), ["a       bc"]);
        assert_eq!(lines("\x1b[99Cx"), ["         x"]);
        assert_eq!(lines("\x1b[3Gx"), ["  x"]);
    }

    #[test]
    fn titles_and_unknown_sequences_leave_no_trace() {
        assert_eq!(lines("\x1b]0;title\x07a\x1b]8;;x\x1b\\b\x1b[?25lc\x1b(Bd\x1b=e\x00"), ["abcde"]);
    }

    #[test]
    fn colours_of_all_three_kinds_are_read() {
        assert_eq!(style("\x1b[31mx").foreground, Some(Colour::Palette(1)));
        assert_eq!(style("\x1b[97;104mx").foreground, Some(Colour::Palette(15)));
        assert_eq!(style("\x1b[97;104mx").background, Some(Colour::Palette(12)));
        assert_eq!(style("\x1b[38;5;208mx").foreground, Some(Colour::Palette(208)));
        assert_eq!(style("\x1b[38;2;1;2;3mx").foreground, Some(Colour::Rgb(1, 2, 3)));
        assert_eq!(style("\x1b[31m\x1b[39mx"), Style::default());
    }

    #[test]
    fn attributes_are_set_and_reset() {
        let all = style("\x1b[1;2;3;4;7mx");
        assert!(all.bold && all.dim && all.italic && all.underline && all.inverse);
        assert_eq!(style("\x1b[1;2;3;4;7m\x1b[22;23;24;27mx"), Style::default());
        assert_eq!(style("\x1b[1m\x1b[mx"), Style::default());
    }
}
