//! Questions for the addresses of names. Who asks for a name that is being asked for waits for the same answer: a name
//! whose server is dead takes one thread, however many clients want it.

use super::config::Resolve;
use super::session::lock;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The addresses, or why there are none.
type Answer = Result<Vec<IpAddr>, String>;

type Asked = Arc<Mutex<HashMap<String, watch::Receiver<Option<Answer>>>>>;

/// The names that are being asked for.
#[derive(Debug, Default)]
pub(crate) struct Resolving {
    asked: Asked,
}

/// A name that is being asked for; it is no more when this is dropped.
struct Asking {
    asked: Asked,
    name: String,
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock(&self.asked).remove(&self.name);
    }
}

impl Resolving {
    /// The addresses of a name. Nothing is kept: the next question after the answer is asked anew.
    pub(crate) async fn resolve(&self, resolver: &Arc<dyn Resolve>, name: String) -> Answer {
        let mut answer = self.ask(resolver, name);
        match answer.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or_else(|| Err("there is no answer".to_owned())),
            Err(_) => Err("the resolver ended".to_owned()),
        }
    }

    fn ask(&self, resolver: &Arc<dyn Resolve>, name: String) -> watch::Receiver<Option<Answer>> {
        let mut asked = lock(&self.asked);
        if let Some(answer) = asked.get(&name) {
            return answer.clone();
        }
        let (tell, answer) = watch::channel(None);
        asked.insert(name.clone(), answer.clone());
        let (resolver, asking) = (Arc::clone(resolver), Asking { asked: Arc::clone(&self.asked), name });
        tokio::task::spawn_blocking(move || {
            let resolved = resolver.resolve(&asking.name).map_err(|error| error.to_string());
            // Forgotten first, so nobody who comes after the answer gets it.
            drop(asking);
            tell.send_replace(Some(resolved));
        });
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Answers a question when it is let; a name with a dot has an address, others end the resolver.
    struct Slow {
        let_go: Mutex<Receiver<()>>,
        asked: AtomicUsize,
    }

    impl Resolve for Slow {
        fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            lock(&self.let_go).recv().map_err(io::Error::other)?;
            assert!(name.contains('.'), "no name");
            Ok(vec![IpAddr::from([192, 0, 2, 1])])
        }
    }

    fn slow() -> (Arc<Slow>, Arc<dyn Resolve>, Sender<()>) {
        let (go, let_go) = channel();
        let slow = Arc::new(Slow { let_go: Mutex::new(let_go), asked: AtomicUsize::new(0) });
        let resolver: Arc<dyn Resolve> = Arc::clone(&slow) as Arc<dyn Resolve>;
        (slow, resolver, go)
    }

    #[tokio::test]
    async fn one_question_answers_all_who_ask_meanwhile_and_the_next_is_asked_anew() {
        let (slow, resolver, go) = slow();
        let resolving = Arc::new(Resolving::default());
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let (resolving, resolver) = (Arc::clone(&resolving), Arc::clone(&resolver));
                tokio::spawn(async move { resolving.resolve(&resolver, "a.example".to_owned()).await })
            })
            .collect();
        // All of them ask before the first is answered.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        for asked in asking {
            assert_eq!(asked.await.unwrap(), Ok(vec![IpAddr::from([192, 0, 2, 1])]));
        }
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
        assert!(lock(&resolving.asked).is_empty());
        go.send(()).unwrap();
        assert!(resolving.resolve(&resolver, "a.example".to_owned()).await.is_ok());
        assert_eq!(slow.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_question_goes_on_without_its_first_asker_and_one_that_ends_the_resolver_is_told() {
        let (slow, resolver, go) = slow();
        let resolving = Resolving::default();
        for _ in 0..20 {
            let left = resolving.resolve(&resolver, "a.example".to_owned());
            tokio::select! { biased; _ = left => panic!("answered"), () = std::future::ready(()) => {} }
        }
        go.send(()).unwrap();
        assert!(resolving.resolve(&resolver, "a.example".to_owned()).await.is_ok());
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
        go.send(()).unwrap();
        let ended = resolving.resolve(&resolver, "nameless".to_owned()).await;
        assert_eq!(ended, Err("the resolver ended".to_owned()));
        assert!(lock(&resolving.asked).is_empty());
    }
}
