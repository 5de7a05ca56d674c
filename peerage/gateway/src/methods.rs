//! The methods that answer in JSON: all that take one request, by their paths.

use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use std::{collections::HashMap, sync::Arc};

/// How a method answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Once,
    Stream,
}

/// A method that can be called in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub(crate) path: PathAndQuery,
    pub(crate) input: MessageDescriptor,
    pub(crate) output: MessageDescriptor,
    pub(crate) answer: Answer,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Methods(HashMap<String, Arc<Method>>);

impl Methods {
    pub(crate) fn of(pool: &DescriptorPool) -> Self {
        let all = callable(pool).filter_map(|method| {
            let path = path(&method);
            let method = Method {
                path: path.parse().ok()?,
                input: method.input(),
                output: method.output(),
                answer: if method.is_server_streaming() {
                    Answer::Stream
                } else {
                    Answer::Once
                },
            };
            Some((path, Arc::new(method)))
        });
        Self(all.collect())
    }

    pub(crate) fn at(&self, path: &str) -> Option<&Arc<Method>> {
        self.0.get(path)
    }
}

/// The methods that take one request. One JSON body cannot be a stream of requests.
pub(crate) fn callable(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    let methods = pool.services().flat_map(|service| {
        let methods: Vec<_> = service.methods().collect();
        methods
    });
    methods.filter(|method| !method.is_client_streaming())
}

/// Where a method is called, as in gRPC.
pub(crate) fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}
