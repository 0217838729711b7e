//! Properties and methods of .NET, as the commands that the head of this module describes.

use super::dotnet;
use super::fold;
use super::lower::{Lowering, one_word};
use super::names;
use super::tree::{Block, Invocation, Kind, Member, Statement, Work};
use super::value::Value;
use crate::command::{Command, Part, Span, Unknown, Word};
use base64::Engine as _;

/// Types whose objects open a file for writing when they are made.
const OPENED: &[&str] = &["System.IO.StreamWriter", "System.IO.FileStream"];

/// Cmdlets whose output can be known.
const FOLLOWED: &[&str] = &["ForEach-Object", "Get-Command", "New-Object", "Out-String", "Write-Output"];

impl Lowering {
    /// The value of a property, or what a method gives.
    pub(super) fn member(&mut self, target: &Value, member: &Member, span: Span) -> Value {
        let name = self.value(&member.name);
        let text = name.text();
        let Some(arguments) = &member.arguments else {
            return text
                .and_then(|name| property(target, &name))
                .unwrap_or_else(|| Value::other("a property"));
        };
        let values: Vec<Value> = arguments.iter().map(|argument| self.value(argument)).collect();
        let Some(method) = text else {
            self.call(target, one_word(name), &values, member.is_static, span);
            return Value::Unknown(Unknown::Output);
        };
        let operands: Vec<&Value> = std::iter::once(target).chain(&values).collect();
        let folded = self.folded(&operands, "", || {
            if member.is_static {
                static_call(target, &method, &values)
            } else {
                method_call(target, &method, &values)
            }
        });
        if !matches!(folded, Value::Unknown(_)) {
            return folded;
        }
        if method.eq_ignore_ascii_case("setenvironmentvariable") {
            self.scope.forget();
        }
        if !is_plain(target, &method, &values, member.is_static) {
            self.call(target, vec![Part::Text(method.clone())], &values, member.is_static, span);
        }
        made(target, &method, &values, span).unwrap_or(Value::Unknown(Unknown::Output))
    }

    /// The command that stands for a call.
    fn call(&mut self, target: &Value, name: Vec<Part>, values: &[Value], is_static: bool, span: Span) {
        let (label, made_of) = label(target, is_static);
        let mut parts = vec![Part::Text(label)];
        name.into_iter().for_each(|part| super::value::push(&mut parts, part));
        let mut words = vec![Word { parts, span }];
        words.extend(made_of);
        words.extend(values.iter().map(|value| Word { parts: value.clone().word_parts(), span }));
        self.push(Command { words, ..self.bare_command(span) });
    }

    /// A property that is set.
    pub(super) fn set_member(&mut self, target: &Value, member: &Member, value: Value, span: Span) {
        let mut name = one_word(self.value(&member.name));
        super::value::push_text(&mut name, "=");
        self.call(target, name, &[value], member.is_static, span);
    }

    /// The value that a command hands on, where it is known.
    pub(super) fn passed_on(&mut self, invocation: &Invocation, given: &Value) -> Value {
        let unknown = Value::Unknown(Unknown::Output);
        let Some(command) = self.script.commands.last() else { return unknown };
        let name =
            command.words.first().and_then(Word::text).and_then(|name| names::cmdlet(self.shell, &name));
        let written = command.words.first().and_then(Word::text).unwrap_or_default();
        if !name.is_some_and(|name| FOLLOWED.contains(&name)) || self.is_defined(&written) {
            return unknown;
        }
        let Some(bound) = super::bind::bind(command) else { return unknown };
        if !bound.unbound.is_empty() {
            return unknown;
        }
        let value = match bound.cmdlet {
            "Out-String" | "Write-Output" if invocation.arguments.is_empty() => {
                self.scope.spend(super::scope::weight(given)).then(|| given.clone())
            }
            "Get-Command" => {
                bound.text("Name").filter(|name| !name.contains(['*', '?', '['])).map(Value::Text)
            }
            "New-Object" => self.new_object(&bound),
            "ForEach-Object" => match invocation.arguments.as_slice() {
                [only] => match &only.kind {
                    Kind::Block(block) => self.mapped(block, given),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        value.unwrap_or(unknown)
    }

    /// `New-Object Name arguments` does what `[Name]::new(arguments)` does.
    fn constructs(&mut self, name: &str, arguments: &[Word]) {
        if !OPENED.contains(&name) {
            return;
        }
        let words = [Word::known(format!("[{name}]::new"), self.span)];
        let words = words.into_iter().chain(arguments.iter().cloned()).collect();
        let command = Command { words, ..self.bare_command(self.span) };
        self.push(command);
    }

    fn new_object(&mut self, bound: &super::bind::Bound) -> Option<Value> {
        if let Some(name) = bound.text("ComObject") {
            return Some(Value::Object(format!("COM:{name}"), Vec::new()));
        }
        let name = self.type_name(&bound.text("TypeName")?)?;
        self.constructs(&name, bound.words("ArgumentList"));
        Some(Value::Object(name, bound.words("ArgumentList").to_vec()))
    }

    /// What a block of one expression makes of each element, if that can be computed without running anything.
    fn mapped(&mut self, block: &Block, given: &Value) -> Option<Value> {
        let [Statement::Chain(pipelines, _)] = block.body.as_slice() else { return None };
        let [pipeline] = pipelines.as_slice() else { return None };
        let [element] = pipeline.as_slice() else { return None };
        let Work::Expression(expression) = &element.work else { return None };
        // Not inside another one, whose elements would each compute all of this again.
        if !given.is_known() || self.scope.element.is_some() {
            return None;
        }
        let before = (self.script.commands.len(), self.script.problems.len());
        let regions = self.script.regions.len();
        let mut all = Vec::new();
        for one in given.clone().elements() {
            let outer = self.scope.element.replace(one);
            let value = self.value(expression);
            self.scope.element = outer;
            let is_pure = (self.script.commands.len(), self.script.problems.len()) == before;
            self.script.commands.truncate(before.0);
            self.script.problems.truncate(before.1);
            self.script.regions.truncate(regions);
            if !is_pure || !value.is_known() || !self.scope.spend(64 + block.text.len()) {
                return None;
            }
            all.extend(value.elements());
        }
        Some(Value::List(all))
    }
}

/// What stands before the method's name, and the words that the object was made of.
fn label(target: &Value, is_static: bool) -> (String, Vec<Word>) {
    let sign = if is_static { "::" } else { "." };
    match target {
        Value::Type(name) if is_static => (format!("[{name}]{sign}"), Vec::new()),
        Value::Type(_) => ("[System.Type].".to_owned(), Vec::new()),
        Value::Object(name, made_of) => (format!("[{name}]{sign}"), made_of.clone()),
        Value::Text(_) | Value::Letter(_) | Value::Mixed(_) => (format!("[System.String]{sign}"), Vec::new()),
        _ => (format!("[?]{sign}"), Vec::new()),
    }
}

/// True for a call that computes and does nothing else.
fn is_plain(target: &Value, method: &str, values: &[Value], is_static: bool) -> bool {
    let lower = method.to_lowercase();
    let has_block = values.iter().all(|value| matches!(value, Value::Block(_)));
    match target {
        Value::Type(name) if is_static => dotnet::is_plain_static(name, method),
        Value::Object(name, _) if !is_static && dotnet::is_plain_object(name) => true,
        Value::Block(_) => {
            matches!(lower.as_str(), "invoke" | "invokereturnasis" | "getnewclosure" | "tostring")
        }
        _ if matches!(lower.as_str(), "foreach" | "where") => has_block && !values.is_empty(),
        _ => !is_static && dotnet::is_plain_method(method),
    }
}

/// The object that a call makes.
fn made(target: &Value, method: &str, values: &[Value], span: Span) -> Option<Value> {
    let words = || values.iter().map(|value| Word { parts: value.clone().word_parts(), span }).collect();
    match target {
        Value::Type(name) if method.eq_ignore_ascii_case("new") => Some(Value::Object(name.clone(), words())),
        // Its commands are found through the call that makes it.
        Value::Type(name) if name.ends_with(".ScriptBlock") && method.eq_ignore_ascii_case("create") => {
            values.first().and_then(Value::text).map(|text| Value::Block(format!("{{{text}}}")))
        }
        Value::Type(name) if name.ends_with(".PowerShell") => Some(Value::Object(name.clone(), Vec::new())),
        // A pipeline that is built call by call.
        Value::Object(name, _) if name.ends_with(".PowerShell") => Some(target.clone()),
        Value::Block(_) if method.eq_ignore_ascii_case("getnewclosure") => Some(target.clone()),
        _ => None,
    }
}

fn property(target: &Value, name: &str) -> Option<Value> {
    let lower = name.to_lowercase();
    match target {
        Value::Type(full) if full == "System.String" && lower == "empty" => Some(Value::Text(String::new())),
        Value::Type(full) if full == "System.Text.Encoding" => {
            Some(Value::Object(format!("{full}.{lower}"), Vec::new()))
        }
        Value::Text(text) if lower == "length" => i64::try_from(text.chars().count()).ok().map(Value::Number),
        Value::Object(full, _) if full.ends_with(".EngineIntrinsics") && lower == "invokecommand" => Some(
            Value::Object("System.Management.Automation.CommandInvocationIntrinsics".to_owned(), Vec::new()),
        ),
        _ => None,
    }
}

fn static_call(target: &Value, method: &str, values: &[Value]) -> Option<Value> {
    let Value::Type(name) = target else { return None };
    let lower = method.to_lowercase();
    match (name.as_str(), lower.as_str(), values) {
        ("System.String", "join", [between, list]) => fold::join(list, &between.text()?),
        ("System.String", "join", [between, rest @ ..]) => {
            fold::join(&Value::List(rest.to_vec()), &between.text()?)
        }
        ("System.String", "concat", all) => fold::join(&Value::List(all.to_vec()), ""),
        ("System.String", "format", [pattern, rest @ ..]) => {
            let rest = match rest {
                [Value::List(all)] => all.clone(),
                other => other.to_vec(),
            };
            fold::binary("f", pattern, &Value::List(rest))
        }
        ("System.Char", "convertfromutf32", [code]) | ("System.Convert", "tochar", [code]) => {
            fold::cast("system.char", code)
        }
        ("System.Convert", "toint16" | "toint32" | "tobyte" | "toint64", [digits, base]) => {
            let base = u32::try_from(base.number()?).ok().filter(|base| [2, 8, 10, 16].contains(base))?;
            i64::from_str_radix(digits.text()?.trim_start_matches("0x"), base).ok().map(Value::Number)
        }
        ("System.Convert", "frombase64string", [text]) => {
            let text: String = text.text()?.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            Some(Value::List(bytes.into_iter().map(|byte| Value::Number(i64::from(byte))).collect()))
        }
        _ => None,
    }
}

fn method_call(target: &Value, method: &str, values: &[Value]) -> Option<Value> {
    let lower = method.to_lowercase();
    if let Value::Object(name, _) = target
        && let Some(encoding) = name.strip_prefix("System.Text.Encoding.")
        && lower == "getstring"
    {
        return decoded(encoding, values.first()?);
    }
    let text = match target {
        Value::Text(_) | Value::Letter(_) => target.text()?,
        Value::Number(_) if lower == "tostring" && values.is_empty() => {
            return target.text().map(Value::Text);
        }
        _ => return None,
    };
    let at = |position: usize| -> Option<usize> {
        let letters = usize::try_from(values.get(position)?.number()?).ok()?;
        let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        places.nth(letters)
    };
    match (lower.as_str(), values) {
        ("tostring" | "normalize", []) => Some(Value::Text(text)),
        ("tolower" | "tolowerinvariant", []) => Some(Value::Text(text.to_lowercase())),
        ("toupper" | "toupperinvariant", []) => Some(Value::Text(text.to_uppercase())),
        ("trim", []) => Some(Value::Text(text.trim().to_owned())),
        ("tochararray", []) => Some(Value::List(text.chars().map(Value::Letter).collect())),
        ("replace", [from, to]) => fold::replaced(&text, &from.text()?, &to.text()?, false).map(Value::Text),
        ("substring", [_]) => text.get(at(0)?..).map(|text| Value::Text(text.to_owned())),
        ("substring", [_, length]) => {
            let length = usize::try_from(length.number()?).ok()?;
            Some(Value::Text(text.get(at(0)?..)?.chars().take(length).collect()))
        }
        ("insert", [_, more]) => {
            let place = at(0)?;
            Some(Value::Text(format!("{}{}{}", text.get(..place)?, more.text()?, text.get(place..)?)))
        }
        ("remove", [_]) => text.get(..at(0)?).map(|text| Value::Text(text.to_owned())),
        ("split", [letters]) => {
            let letters = letters.text().filter(|letters| !letters.is_empty())?;
            let pieces = text.split(|letter| letters.contains(letter));
            Some(Value::List(pieces.map(|piece| Value::Text(piece.to_owned())).collect()))
        }
        _ => None,
    }
}

/// Bytes as the text that they encode.
fn decoded(encoding: &str, bytes: &Value) -> Option<Value> {
    let Value::List(all) = bytes else { return None };
    let bytes: Vec<u8> = all.iter().map(|byte| u8::try_from(byte.number()?).ok()).collect::<Option<_>>()?;
    match encoding {
        "unicode" => {
            let units =
                bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            String::from_utf16(&units.collect::<Vec<_>>()).ok().map(Value::Text)
        }
        "utf8" => String::from_utf8(bytes).ok().map(Value::Text),
        "ascii" | "default" if bytes.is_ascii() => String::from_utf8(bytes).ok().map(Value::Text),
        _ => None,
    }
}
