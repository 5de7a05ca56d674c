//! What a node has only when it was started with it: the links of the system projections, users and
//! access control.
//!
//! Our own node is started with both. Of another store each test finds out first, and stands aside.

use crate::support::{Store, connect, event, events, soon, unused};
use embedded::EmbeddedNode;
use kurrentdb::{
    Acl, AppendToStreamOptions, ClientSettings, Credentials, DeleteStreamOptions, Error, EventData,
    ReadAllOptions, ReadStreamOptions, StreamAclBuilder, StreamMetadata, StreamPosition,
    StreamState, operations,
};
use peerage_tests::wait;
use serde_json::json;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

const PASSWORD: &str = "changeit";
/// Links are written a little later than events, and a real server takes its time with the first.
const A_LITTLE_LATER: Duration = Duration::from_secs(10);

type Node = LazyLock<String>;

static PROJECTING: Node =
    LazyLock::new(|| running(|| EmbeddedNode::builder().in_memory().system_projections()));
static SECURED: Node = LazyLock::new(|| {
    running(|| {
        EmbeddedNode::builder()
            .in_memory()
            .users(PASSWORD, PASSWORD)
    })
});

/// A node for as long as the process lives, or the store that the environment names.
fn running(builder: fn() -> embedded::Builder) -> String {
    peerage_tests::store::from_environment().unwrap_or_else(|| crate::support::start(builder))
}

/// The event of links: number in its stream, and what each link points at.
async fn targets(store: &Store, links: &str) -> Vec<String> {
    let Ok(read) = store.read(links).await else {
        return Vec::new();
    };
    assert!(read.iter().all(|link| link.event_type == "$>"), "{read:?}");
    read.iter()
        .map(|link| String::from_utf8_lossy(&link.data).into_owned())
        .collect()
}

/// The links of a stream, once there are so many; `None` when the store writes none.
async fn linked(store: &Store, links: &str, count: usize) -> Option<Vec<String>> {
    let all_there =
        || async { Some(targets(store, links).await).filter(|targets| targets.len() >= count) };
    if peerage_tests::store::from_environment().is_none() {
        return Some(wait::until(links, A_LITTLE_LATER, all_there).await);
    }
    let found = tokio::time::timeout(
        A_LITTLE_LATER,
        wait::until(links, A_LITTLE_LATER * 2, all_there),
    )
    .await;
    if found.is_err() {
        eprintln!("stands aside: the store writes no links");
    }
    found.ok()
}

/// A category that nobody used before: it may hold no `-`.
fn category() -> String {
    format!("conformance{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn the_streams_of_a_category_are_linked_in_the_order_of_the_log() {
    let (store, category) = (connect(&PROJECTING), category());
    let (one, other) = (format!("{category}-1"), format!("{category}-2"));
    store.write(&one, events(2)).await;
    store.write(&other, events(1)).await;
    store.write(&one, events(1)).await;
    let Some(links) = linked(&store, &format!("$ce-{category}"), 4).await else {
        return;
    };
    assert_eq!(
        links,
        [
            format!("0@{one}"),
            format!("1@{one}"),
            format!("0@{other}"),
            format!("2@{one}")
        ]
    );
}

#[tokio::test]
async fn a_category_is_the_text_before_the_first_dash_and_a_name_without_one_has_none() {
    let (store, category) = (connect(&PROJECTING), category());
    for name in [
        format!("{category}-a-b-c"),
        category.clone(),
        format!("{category}-"),
    ] {
        store.write(&name, events(1)).await;
    }
    let Some(links) = linked(&store, &format!("$ce-{category}"), 2).await else {
        return;
    };
    assert_eq!(
        links,
        [format!("0@{category}-a-b-c"), format!("0@{category}-")]
    );
}

#[tokio::test]
async fn a_category_links_the_metadata_of_a_delete_and_the_tombstone_of_its_streams() {
    let (store, category) = (connect(&PROJECTING), category());
    let (deleted, tombstoned) = (format!("{category}-1"), format!("{category}-2"));
    store.write(&deleted, events(1)).await;
    store.delete(&deleted, StreamState::Any).await.unwrap();
    store.write(&tombstoned, events(1)).await;
    store
        .tombstone(&tombstoned, StreamState::Any)
        .await
        .unwrap();
    let Some(links) = linked(&store, &format!("$ce-{category}"), 4).await else {
        return;
    };
    let tombstone = format!("{}@{tombstoned}", i64::MAX);
    assert_eq!(
        links,
        [
            format!("0@{deleted}"),
            format!("0@$${deleted}"),
            format!("0@{tombstoned}"),
            tombstone
        ]
    );
}

#[tokio::test]
async fn the_events_of_a_type_are_linked_whatever_their_stream() {
    let (store, event_type) = (connect(&PROJECTING), category());
    let (one, other) = (unused("conformance-"), unused("plain"));
    store
        .write(&one, vec![event(&event_type), event("Other")])
        .await;
    store.write(&other, vec![event(&event_type)]).await;
    let Some(links) = linked(&store, &format!("$et-{event_type}"), 2).await else {
        return;
    };
    assert_eq!(links, [format!("0@{one}"), format!("0@{other}")]);
}

#[tokio::test]
async fn the_events_of_a_correlation_are_linked() {
    let (store, correlation) = (connect(&PROJECTING), Uuid::new_v4());
    let correlated = || {
        event("Tested")
            .metadata_as_json(&json!({"$correlationId": correlation}))
            .unwrap()
    };
    let (one, other) = (unused("conformance-"), unused("conformance-"));
    store.write(&one, vec![correlated(), event("Tested")]).await;
    store.write(&other, vec![correlated()]).await;
    let Some(links) = linked(&store, &format!("$bc-{correlation}"), 2).await else {
        return;
    };
    assert_eq!(links, [format!("0@{one}"), format!("0@{other}")]);
}

#[tokio::test]
async fn resolved_links_of_a_category_show_its_events() {
    let (store, category) = (connect(&PROJECTING), category());
    store
        .write(&format!("{category}-1"), vec![event("Linked")])
        .await;
    let links = format!("$ce-{category}");
    if linked(&store, &links, 1).await.is_none() {
        return;
    }
    let read = store
        .read_with(&links, &ReadStreamOptions::default().resolve_link_tos())
        .await
        .unwrap();
    assert_eq!(
        read[0]
            .event
            .as_ref()
            .map(|event| event.event_type.as_str()),
        Some("Linked")
    );
}

/// The secured store as a user; `None` when it asks nobody who he is.
async fn secured_as(login: &str, password: &str) -> Option<Secured> {
    let authority = SECURED
        .split_once("://")
        .unwrap()
        .1
        .rsplit('@')
        .next()
        .unwrap()
        .to_owned();
    let anonymous = connect(&format!("kurrentdb://{authority}"));
    if anonymous
        .append(&unused("conformance-"), StreamState::Any, events(1))
        .await
        .is_ok()
    {
        eprintln!("stands aside: the store asks nobody who he is");
        return None;
    }
    Some(Secured {
        store: connect(&format!("kurrentdb://{login}:{password}@{authority}")),
        authority,
    })
}

struct Secured {
    store: Store,
    authority: String,
}

impl Secured {
    fn users(&self) -> operations::Client {
        let settings: ClientSettings = format!("kurrentdb://admin:{PASSWORD}@{}", self.authority)
            .parse()
            .unwrap();
        operations::Client::new(settings).unwrap()
    }

    /// A new user without any group, and the store as he sees it.
    async fn new_user(&self) -> (String, Store) {
        let login = format!("u{}", Uuid::new_v4().simple());
        self.users()
            .create_user(&login, "pa55", "Somebody", Vec::new(), &Default::default())
            .await
            .unwrap();
        let store = connect(&format!("kurrentdb://{login}:pa55@{}", self.authority));
        // Changes of users reach logins a little later.
        let knows_him = || async {
            store
                .append(&unused("conformance-"), StreamState::Any, events(1))
                .await
                .ok()
        };
        wait::until("the new user", A_LITTLE_LATER, knows_him).await;
        (login, store)
    }
}

fn is_denied<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(
        matches!(outcome, Err(Error::AccessDenied)),
        "access was to be denied: {outcome:?}"
    );
}

#[tokio::test]
async fn a_secured_store_refuses_callers_without_or_with_wrong_credentials() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    for login in ["", "admin:wrong@", "nobody:x@"] {
        let store = connect(&format!("kurrentdb://{login}{}", admin.authority));
        is_denied(
            store
                .append(&unused("conformance-"), StreamState::Any, events(1))
                .await,
        );
        is_denied(
            store
                .read_all(&ReadAllOptions::default().max_count(1))
                .await,
        );
    }
}

#[tokio::test]
async fn credentials_of_a_call_win_over_those_of_the_connection() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    let stream = unused("conformance-");
    let wrong = AppendToStreamOptions::default().authenticated(Credentials::new("admin", "wrong"));
    is_denied(
        soon(
            "an append",
            admin
                .store
                .client
                .append_to_stream(stream.as_str(), &wrong, events(1)),
        )
        .await,
    );
    let right = AppendToStreamOptions::default().authenticated(Credentials::new("admin", PASSWORD));
    soon(
        "an append",
        admin
            .store
            .client
            .append_to_stream(stream.as_str(), &right, events(1)),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_user_can_be_created_shown_disabled_enabled_and_deleted() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    let (users, options) = (admin.users(), operations::OperationalOptions::default());
    let (login, his) = admin.new_user().await;
    users
        .create_user(&login, "other", "Again", Vec::new(), &options)
        .await
        .expect("to create an existing user changes nothing");
    let details = users
        .user_details(&login, &options)
        .await
        .unwrap()
        .next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (details.login.as_str(), details.full_name.as_str()),
        (login.as_str(), "Somebody")
    );
    let may_write = || async {
        his.append(&unused("conformance-"), StreamState::Any, events(1))
            .await
            .is_ok()
    };
    users.disable_user(&login, &options).await.unwrap();
    wait::until("the user to be disabled", A_LITTLE_LATER, || async {
        (!may_write().await).then_some(())
    })
    .await;
    users.enable_user(&login, &options).await.unwrap();
    wait::until("the user to be enabled", A_LITTLE_LATER, || async {
        may_write().await.then_some(())
    })
    .await;
    users.delete_user(&login, &options).await.unwrap();
    wait::until("the user to be gone", A_LITTLE_LATER, || async {
        (!may_write().await).then_some(())
    })
    .await;
    assert!(matches!(
        users.delete_user(&login, &options).await,
        Err(Error::ResourceNotFound)
    ));
}

#[tokio::test]
async fn a_password_can_be_changed_and_reset() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    let (users, options) = (admin.users(), operations::OperationalOptions::default());
    let (login, _) = admin.new_user().await;
    let his_own = operations::OperationalOptions::default()
        .authenticated(Credentials::new(login.clone(), "pa55".to_owned()));
    users
        .change_user_password(&login, "pa55", "new1", &his_own)
        .await
        .unwrap();
    let writes_with = |password: &str| {
        let store = connect(&format!(
            "kurrentdb://{login}:{password}@{}",
            admin.authority
        ));
        async move {
            store
                .append(&unused("conformance-"), StreamState::Any, events(1))
                .await
                .ok()
        }
    };
    wait::until("the changed password", A_LITTLE_LATER, || {
        writes_with("new1")
    })
    .await;
    users
        .reset_user_password(&login, "new2", &options)
        .await
        .unwrap();
    wait::until("the reset password", A_LITTLE_LATER, || writes_with("new2")).await;
}

#[tokio::test]
async fn only_admins_manage_users_read_all_and_touch_system_streams() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    let (login, his) = admin.new_user().await;
    let his_own = operations::OperationalOptions::default()
        .authenticated(Credentials::new(login, "pa55".to_owned()));
    is_denied(
        admin
            .users()
            .create_user("x", "x", "x", Vec::new(), &his_own)
            .await,
    );
    is_denied(his.read_all(&ReadAllOptions::default().max_count(1)).await);
    let system = format!("$conformance-{}", Uuid::new_v4().simple());
    is_denied(his.append(&system, StreamState::Any, events(1)).await);
    admin
        .store
        .append(&system, StreamState::Any, events(1))
        .await
        .unwrap();
    is_denied(his.read(&system).await);
    admin
        .store
        .read_all(&ReadAllOptions::default().max_count(1))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_acl_opens_a_stream_to_whom_it_names_and_to_nobody_else() {
    let Some(admin) = secured_as("admin", PASSWORD).await else {
        return;
    };
    let ((one, his), (_, others)) = (admin.new_user().await, admin.new_user().await);
    let stream = unused("conformance-");
    admin.store.write(&stream, events(1)).await;
    let acl = StreamAclBuilder::new()
        .add_read_roles(&one)
        .add_write_roles(&one)
        .add_delete_roles(&one)
        .add_meta_read_roles(&one);
    let metadata = StreamMetadata::builder()
        .acl(Acl::Stream(acl.build()))
        .build();
    admin
        .store
        .client
        .set_stream_metadata(
            stream.as_str(),
            &AppendToStreamOptions::default(),
            &metadata,
        )
        .await
        .unwrap();
    is_denied(others.append(&stream, StreamState::Any, events(1)).await);
    is_denied(others.read(&stream).await);
    is_denied(others.read(&format!("$${stream}")).await);
    is_denied(
        others
            .client
            .delete_stream(stream.as_str(), &DeleteStreamOptions::default())
            .await,
    );
    is_denied(
        others
            .follow(&stream, StreamPosition::End)
            .await
            .next()
            .await,
    );
    his.append(
        &stream,
        StreamState::Any,
        vec![EventData::binary("His", "x".into())],
    )
    .await
    .unwrap();
    assert_eq!(his.numbers(&stream).await, [0, 1]);
    his.delete(&stream, StreamState::Any).await.unwrap();
}
