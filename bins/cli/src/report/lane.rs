//! The lanes of the timeline.

use garth::log::core::Event;

/// What an event has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The session itself.
    Session,
    /// Processes and commands.
    Process,
    /// Files.
    File,
    /// Connections and names.
    Network,
    /// Questions, answers, secrets.
    Decision,
    /// Limits, failures, and what is not recorded.
    Trouble,
}

impl Lane {
    /// All of them, as they are drawn from the top.
    pub const ALL: [Self; 6] =
        [Self::Session, Self::Process, Self::File, Self::Network, Self::Decision, Self::Trouble];

    /// The lane of an event.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::ProcessStarted(_) | Event::ProcessEnded(_) | Event::CommandVetted(_) => Self::Process,
            Event::FileDenied(_) | Event::FileChanged(_) | Event::RepositoryMade(_) => Self::File,
            Event::NetworkAllowed(_)
            | Event::NetworkDenied(_)
            | Event::NetworkClosed(_)
            | Event::Dns(_)
            | Event::SecretUsed(_)
            | Event::SecretWithheld(_) => Self::Network,
            Event::ApprovalAsked(_) | Event::ApprovalAnswered(_) => Self::Decision,
            Event::LimitHit(_)
            | Event::BrokerError(_)
            | Event::EventsOmitted(_)
            | Event::LogRecovered(_)
            | Event::ResidueCleaned(_) => Self::Trouble,
            _ => Self::Session,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Process => "processes",
            Self::File => "files",
            Self::Network => "network",
            Self::Decision => "questions",
            Self::Trouble => "limits and failures",
        }
    }
}
