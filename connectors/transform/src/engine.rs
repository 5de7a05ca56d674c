//! One source, compiled, with its limits.
//!
//! Computing time is measured as the processor's own, so that a busy machine refuses no record. The
//! engine asks now and then whether it is over; what never asks (one search in
//! enormous texts) is ended by whoever waits for the child.

use crate::{Changed, LARGEST, Verdict};
use rquickjs::{
    CatchResultExt as _, CaughtError, Coerced, Context, Ctx, Exception, Function, Persistent,
    Runtime, context::EvalOptions, function::Opt,
};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

/// How long a record may take, and the source itself, in the processor's time.
pub(crate) const TIME: Duration = Duration::from_millis(50);

/// How much memory a source may have, in bytes.
pub(crate) const MEMORY: usize = 16 << 20;

/// How deep calls may nest, in bytes of the stack.
const STACK: usize = 512 << 10;

/// The most characters of a cause.
const LONGEST_CAUSE: usize = 500;

/// The most headers, and the most characters of a name and of a value.
const MOST_HEADERS: usize = 64;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 1_024;

/// Calls the function, and takes from the record what may have changed. What it needs of the
/// language is taken before the user's text is read.
const DRIVER: &str = r#"(() => {
    const { parse, stringify } = JSON;
    return (transform, text) => {
        const record = parse(text);
        const told = transform(record);
        if (told !== undefined && told !== record) {
            throw new TypeError("transform returned a value; it changes the record in place");
        }
        return stringify({
            value: record.value,
            subject: record.schemaInfo?.subject,
            headers: record.headers,
        });
    };
})()"#;

/// The user's function; nothing if there is none.
const FIND: &str = r#"typeof transform === "function" ? transform : undefined"#;

/// What the function said of the record beside changing it.
#[derive(Clone, Debug)]
enum Said {
    Drop,
    Cancel(String),
}

/// A source that can be used.
pub(crate) struct Engine {
    // In this order: what lives in the context goes before it.
    driver: Persistent<Function<'static>>,
    transform: Persistent<Function<'static>>,
    said: Rc<RefCell<Option<Said>>>,
    clock: Rc<Timer>,
    context: Context,
    _runtime: Runtime,
}

/// The time of what is under way.
#[derive(Default)]
struct Timer {
    until: Cell<Duration>,
    is_over: Cell<bool>,
}

impl Timer {
    fn begin(&self) {
        self.is_over.set(false);
        self.until.set(used() + TIME);
    }

    fn is_over(&self) -> bool {
        if used() >= self.until.get() {
            self.is_over.set(true);
        }
        self.is_over.get()
    }
}

/// What this thread has used of the processor.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What the driver hands back, as far as it is as it should be.
#[derive(Deserialize)]
struct HandedBack {
    value: Option<Value>,
    subject: Option<Value>,
    headers: Option<BTreeMap<String, Value>>,
}

impl Engine {
    /// Compiles a source, or says what is wrong with it.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let clock = Rc::new(Timer::default());
        let asked = Rc::clone(&clock);
        runtime.set_interrupt_handler(Some(Box::new(move || asked.is_over())));
        let context = Context::full(&runtime).map_err(|error| error.to_string())?;
        let said = Rc::new(RefCell::new(None));
        clock.begin();
        let (driver, transform) = context.with(|ctx| {
            let prepared = prepare(&ctx, source, &said);
            prepared.map_err(|error| told(&error, &clock))
        })?;
        if said.borrow().is_some() {
            return Err("drop and cancel are called by transform alone".to_owned());
        }
        Ok(Self {
            driver,
            transform,
            said,
            clock,
            context,
            _runtime: runtime,
        })
    }

    /// Has the function look at a record.
    pub(crate) fn transform(&self, record: &str) -> Verdict {
        *self.said.borrow_mut() = None;
        self.clock.begin();
        let handed_back = self.context.with(|ctx| {
            let called = (|| {
                let driver = self.driver.clone().restore(&ctx)?;
                let transform = self.transform.clone().restore(&ctx)?;
                driver.call::<_, Option<String>>((transform, record))
            })();
            let called = called.catch(&ctx);
            called.map_err(|error| told(&error, &self.clock))
        });
        // Said is said, whatever the function made of it afterwards.
        match self.said.borrow_mut().take() {
            Some(Said::Drop) => return Verdict::Dropped,
            Some(Said::Cancel(reason)) => return Verdict::Cancelled(reason),
            None => {}
        }
        match handed_back.and_then(|text| changed(text.as_deref())) {
            Ok(changed) => Verdict::Changed(changed),
            Err(cause) => Verdict::Refused(cause),
        }
    }
}

type Functions = (Persistent<Function<'static>>, Persistent<Function<'static>>);

fn prepare<'js>(
    ctx: &Ctx<'js>,
    source: &str,
    said: &Rc<RefCell<Option<Said>>>,
) -> Result<Functions, CaughtError<'js>> {
    let prepared = (|| {
        let driver: Function<'_> = ctx.eval(DRIVER)?;
        let note = Rc::clone(said);
        let leave_out = move |ctx: Ctx<'js>| -> rquickjs::Result<()> {
            note.borrow_mut().get_or_insert(Said::Drop);
            Err(Exception::throw_message(&ctx, "the record is dropped"))
        };
        let note = Rc::clone(said);
        let cancel = move |ctx: Ctx<'js>, reason: Opt<Coerced<String>>| -> rquickjs::Result<()> {
            let reason = reason.0.map(|it| it.0).unwrap_or_default();
            note.borrow_mut()
                .get_or_insert_with(|| Said::Cancel(bounded(&reason)));
            Err(Exception::throw_message(&ctx, "the connector is cancelled"))
        };
        let globals = ctx.globals();
        globals.set("drop", Function::new(ctx.clone(), leave_out)?)?;
        globals.set("cancel", Function::new(ctx.clone(), cancel)?)?;
        let mut options = EvalOptions::default();
        (options.strict, options.filename) = (false, Some("transform".to_owned()));
        ctx.eval_with_options::<rquickjs::Value<'_>, _>(source, options)?;
        let transform: Option<Function<'_>> = ctx.eval(FIND)?;
        let Some(transform) = transform else {
            let text = "it has no function transform(record)";
            return Err(Exception::throw_message(ctx, text));
        };
        Ok((
            Persistent::save(ctx, driver),
            Persistent::save(ctx, transform),
        ))
    })();
    prepared.catch(ctx)
}

/// What went wrong, in the words of the user's own text.
fn told(error: &CaughtError<'_>, clock: &Timer) -> String {
    if clock.is_over.get() {
        return format!("it took longer than {} ms", TIME.as_millis());
    }
    let text = match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            match stack
                .lines()
                .map(str::trim)
                .find(|it| it.contains("transform:"))
            {
                Some(place) => format!("{message} ({place})"),
                None => message,
            }
        }
        CaughtError::Value(value) => match value.as_string().and_then(|it| it.to_string().ok()) {
            Some(text) => text,
            None => "it threw something that is no error".to_owned(),
        },
        CaughtError::Error(error) => error.to_string(),
    };
    bounded(&text)
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST_CAUSE).collect()
}

/// What the function left of the record, if that can be delivered.
fn changed(text: Option<&str>) -> Result<Changed, String> {
    let text = text.unwrap_or_default();
    if text.len() > LARGEST {
        return Err(format!("the record is longer than {LARGEST} bytes"));
    }
    let handed_back: HandedBack = serde_json::from_str(text)
        .map_err(|error| format!("the record cannot be read any more: {error}"))?;
    let value = handed_back
        .value
        .ok_or("the record has no value any more")?;
    let subject = match handed_back.subject {
        Some(Value::String(subject)) if (1..=200).contains(&subject.chars().count()) => subject,
        Some(_) | None => return Err("schemaInfo.subject is a text of 1 to 200".to_owned()),
    };
    let all = handed_back.headers.unwrap_or_default();
    if all.len() > MOST_HEADERS {
        return Err(format!("{} headers; {MOST_HEADERS} at most", all.len()));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in all {
        let Value::String(value) = value else {
            return Err(format!("the header {} is no text", bounded(&name)));
        };
        let is_short = name.len() <= LONGEST_NAME && value.len() <= LONGEST_VALUE;
        let is_printed = !value.chars().any(char::is_control);
        if !is_short || !is_printed {
            let name = bounded(&name);
            return Err(format!("the header {name} cannot be sent"));
        }
        headers.insert(name, value);
    }
    Ok(Changed {
        value,
        subject,
        headers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> String {
        json!({
            "recordId": "1", "position": { "streamId": "network-1", "streamRevision": 3, "logPosition": 9 },
            "isRedacted": false, "schemaInfo": { "subject": "PeeringRequested", "type": "json" },
            "headers": { "ticket": "OPS-1" }, "value": { "peer": { "account": "1", "secret": "s" } },
        })
        .to_string()
    }

    fn told_of(source: &str) -> Verdict {
        Engine::new(source).unwrap().transform(&record())
    }

    fn refused(source: &str) -> String {
        match told_of(source) {
            Verdict::Refused(cause) => cause,
            other @ (Verdict::Changed(_) | Verdict::Dropped | Verdict::Cancelled(_)) => {
                panic!("{source}: {other:?}")
            }
        }
    }

    fn unusable(source: &str) -> String {
        Engine::new(source).err().unwrap()
    }

    #[test]
    fn a_function_changes_value_subject_and_headers_in_place() {
        let source = "function transform(record) {
            const { account } = record.value.peer;
            record.value = { account, of: record.position.streamId, at: record.position.logPosition };
            record.schemaInfo.subject = 'Asked';
            record.headers.team = 'network';
        }";
        let headers = [("team", "network"), ("ticket", "OPS-1")];
        let changed = Changed {
            value: json!({ "account": "1", "of": "network-1", "at": 9 }),
            subject: "Asked".to_owned(),
            headers: headers.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        };
        assert_eq!(told_of(source), Verdict::Changed(changed));
        let Verdict::Changed(same) = told_of("const transform = record => record") else {
            panic!("an arrow that returns the record itself")
        };
        assert_eq!(same.subject, "PeeringRequested");
        // The same engine again and again.
        let engine = Engine::new("let n = 0; function transform(r) { r.value = ++n }").unwrap();
        for n in 1..50 {
            let Verdict::Changed(changed) = engine.transform(&record()) else {
                panic!("{n}")
            };
            assert_eq!(changed.value, json!(n));
        }
    }

    #[test]
    fn drop_leaves_a_record_out_and_cancel_stops_the_connector_whatever_is_caught() {
        assert_eq!(told_of("function transform() { drop() }"), Verdict::Dropped);
        let caught = "function transform(r) { try { drop() } catch (e) {} r.value = 1 }";
        assert_eq!(told_of(caught), Verdict::Dropped);
        let cancelled = |reason: &str| Verdict::Cancelled(reason.to_owned());
        let with = "function transform() { cancel('no peer') }";
        assert_eq!(told_of(with), cancelled("no peer"));
        assert_eq!(told_of("function transform() { cancel() }"), cancelled(""));
        let long = "function transform() { cancel('x'.repeat(9999)) }";
        assert_eq!(told_of(long), cancelled(&"x".repeat(LONGEST_CAUSE)));
        assert!(unusable("drop(); function transform() {}").contains("dropped"));
        let quiet = "try { cancel() } catch (e) {} function transform() {}";
        assert!(unusable(quiet).contains("transform alone"));
    }

    #[test]
    fn what_throws_is_told_with_its_place() {
        let cause = refused("function transform(r) {\n  r.value.no.such = 1;\n}");
        assert!(
            cause.contains("undefined") && cause.contains(":2"),
            "{cause}"
        );
        assert_eq!(refused("function transform() { throw 'mine' }"), "mine");
        assert!(refused("function transform() { throw { a: 1 } }").contains("no error"));
        let long = refused("function transform() { throw new Error('y'.repeat(99999)) }");
        assert!(long.chars().count() <= LONGEST_CAUSE);
    }

    #[test]
    fn a_function_that_hangs_is_ended_and_no_catch_holds_that_up() {
        for source in [
            "function transform() { while (true) {} }",
            "function transform() { for (;;) { try { while (true) {} } catch (e) {} finally {} } }",
            "function transform() { /(a+)+$/.test('a'.repeat(200) + 'b') }",
            "function transform(r) { r.value = { toJSON() { while (true) {} } } }",
        ] {
            assert_eq!(refused(source), "it took longer than 50 ms", "{source}");
        }
        let top = "while (true) {} function transform() {}";
        assert_eq!(unusable(top), "it took longer than 50 ms");
    }

    #[test]
    fn a_function_that_takes_all_memory_is_ended() {
        for source in [
            "function transform() { const a = []; for (;;) a.push(new ArrayBuffer(1 << 20)) }",
            "function transform() { let s = 'x'; for (;;) s = [s, s].join('') }",
            "function transform() { new ArrayBuffer(2 ** 40) }",
            "function transform(r) { r.value = 'x'.repeat(2 ** 29) }",
        ] {
            let cause = refused(source);
            assert!(
                cause.contains("memory") || cause.contains("invalid") || cause.contains("longer"),
                "{source}: {cause}"
            );
        }
        let deep = refused("function transform(r) { return transform(r) }");
        assert!(deep.contains("stack"), "{deep}");
        let large = "function transform(r) { r.value = 'x'.repeat(5 << 20) }";
        assert!(refused(large).contains("longer than"));
    }

    #[test]
    fn nothing_outside_can_be_reached() {
        let names = "fetch XMLHttpRequest WebSocket require process Deno Bun std os scriptArgs \
                     print console load read Worker SharedArrayBuffer setTimeout import.meta __dirname";
        for name in names.split_whitespace() {
            let source = format!("function transform(r) {{ r.value = typeof {name} }}");
            match Engine::new(&source) {
                Err(cause) => assert!(name == "import.meta", "{name}: {cause}"),
                Ok(engine) => match engine.transform(&record()) {
                    Verdict::Changed(changed) => {
                        let is_harmless = name == "SharedArrayBuffer";
                        assert!(
                            changed.value == "undefined" || is_harmless,
                            "{name}: {:?}",
                            changed.value
                        );
                    }
                    other @ (Verdict::Dropped | Verdict::Cancelled(_) | Verdict::Refused(_)) => {
                        panic!("{name}: {other:?}")
                    }
                },
            }
        }
        assert!(!unusable("import fs from 'fs'; function transform() {}").is_empty());
        let dynamic = "function transform() { return import('fs') }";
        assert!(refused(dynamic).contains("returned a value"));
        assert!(refused("async function transform() {}").contains("returned a value"));
        let other = refused("function transform(r) { return { value: 1 } }");
        assert!(other.contains("in place"), "{other}");
    }

    #[test]
    fn what_cannot_be_delivered_any_more_is_refused() {
        for (source, cause) in [
            ("delete r.value", "no value"),
            ("r.value = undefined", "no value"),
            ("r.value = 1n", "BigInt"),
            ("r.value.self = r.value", "circular"),
            ("r.schemaInfo = null", "subject"),
            ("r.schemaInfo.subject = ''", "subject"),
            ("r.headers.n = 1", "no text"),
            ("r.headers.n = 'a\\nb'", "cannot be sent"),
            ("r.headers['x'.repeat(99)] = ''", "cannot be sent"),
            (
                "for (let i = 0; i < 99; i++) r.headers['h' + i] = ''",
                "at most",
            ),
            (
                "let v = 1; for (let i = 0; i < 300; i++) v = [v]; r.value = v",
                "read any more",
            ),
        ] {
            let told = refused(&format!("function transform(r) {{ {source} }}"));
            assert!(told.contains(cause), "{source}: {told}");
        }
    }

    #[test]
    fn a_source_that_is_none_is_told() {
        assert!(unusable("function transform(r) {").contains("transform:1"));
        assert!(unusable("").contains("no function"));
        assert!(unusable("const transform = 1").contains("no function"));
        assert!(unusable("throw new Error('at once')").contains("at once"));
    }
}
