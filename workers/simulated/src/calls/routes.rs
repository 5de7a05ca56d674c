//! What calls about routes do.

use super::{
    super::world::{Gone, SimulatedNetwork, SimulatedRoute, bare},
    Call,
};
use cloud::{CloudError, CloudErrorKind, NetworkRef, RouteTableView, RouteTarget};
use domain::{
    Range,
    network::Routing,
    text::{CloudNetwork, Link, RouteTable},
};

impl Call<'_> {
    pub(crate) fn route_tables(&mut self, of: &[CloudNetwork]) -> Vec<RouteTableView> {
        let mut views = self.look(of, SimulatedNetwork::table_views);
        for view in &mut views {
            let home = NetworkRef {
                at: bare(self.at),
                network: view.network.clone(),
            };
            for route in &mut view.routes {
                let world = &self.state.world;
                route.state = world.route_state(&home, &route.target, self.now);
            }
        }
        views
    }

    pub(crate) fn install_route(
        &mut self,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        if !Routing::of(self.at.provider).can_withhold() {
            return Err(self.unsupported("routes to a peering in a table"));
        }
        self.check_route(table, destination, link)?;
        let (shown, most, destination) = (self.soon(), self.limits().routes, destination.net());
        let Some(found) = self.state.world.table(self.at, table) else {
            return Err(self.not_found(table));
        };
        if found
            .routes
            .iter()
            .any(|route| route.destination == destination)
        {
            let message = format!("The route identified by {destination} already exists.");
            return Err(self.error(CloudErrorKind::AlreadyThere, "RouteAlreadyExists", message));
        }
        if found
            .routes
            .iter()
            .filter(|route| route.target != RouteTarget::Local)
            .count()
            >= most
        {
            return Err(self.error(
                CloudErrorKind::Quota,
                "RouteLimitExceeded",
                format!("{most} routes at most"),
            ));
        }
        found
            .gone_routes
            .retain(|gone| gone.was.destination != destination);
        found.routes.push(SimulatedRoute {
            destination,
            target: RouteTarget::Link(link.clone()),
            shown,
        });
        Ok(())
    }

    /// A link that is over, or another network's, carries nothing from here; nor may a part of the
    /// network itself go over one.
    fn check_route(
        &mut self,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        let (at, now) = (self.at, self.now);
        let Some(home) = self.state.world.home_of_table(at, table) else {
            return Err(self.not_found(table));
        };
        let destination = destination.net();
        let inside = home
            .ranges
            .iter()
            .any(|range| range.contains(&destination) && *range != destination);
        let home = home.network.clone();
        let half = self.state.world.half(&home, link);
        let has_half = half.is_some_and(|it| it.shown.by(now) && it.going.is_none());
        let known = self
            .state
            .world
            .links
            .get(link)
            .filter(|it| it.state.is_live());
        let known = known.filter(|it| it.roles_at(at).any(|role| it.shown_to(role).by(now)));
        if known.is_none() && !has_half {
            return Err(self.not_found(link));
        }
        if known.is_some_and(|known| known.role_of(&home).is_none()) {
            let message = format!("`{link}` and `{table}` belong to different networks");
            return Err(self.error(
                CloudErrorKind::InvalidRequest,
                "InvalidParameterValue",
                message,
            ));
        }
        if inside {
            let message = format!("{destination} is a part of the network itself");
            return Err(self.error(
                CloudErrorKind::InvalidRequest,
                "InvalidParameterValue",
                message,
            ));
        }
        Ok(())
    }

    pub(crate) fn remove_route(
        &mut self,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError> {
        let (seen, destination) = (self.soon(), destination.net());
        let Some(found) = self.state.world.table(self.at, table) else {
            return Err(self.not_found(table));
        };
        let Some(index) = found
            .routes
            .iter()
            .position(|route| route.destination == destination)
        else {
            return Err(self.error(
                CloudErrorKind::NotFound,
                "InvalidRoute.NotFound",
                format!("no route to {destination}"),
            ));
        };
        if found.routes[index].target == RouteTarget::Local {
            return Err(self.error(
                CloudErrorKind::InvalidRequest,
                "InvalidParameterValue",
                "cannot remove local route",
            ));
        }
        let was = found.routes.remove(index);
        found.gone_routes.push(Gone { was, seen });
        Ok(())
    }
}
