// Package haproxy carries load balancers out with HAProxy, and nginx for UDP, which HAProxy does not balance.
//
// Each balancer is a network namespace of its own, whose only interface is bound to the balancer's port in OVN; in it run one HAProxy with the TCP listeners and the
// health checks of all members, and one nginx if there are UDP listeners. A change is a reload: the old worker keeps the connections that it has. OVN's own load
// balancer was not taken for UDP, since it knows neither weights nor least connections.
//
// What is here is what the folder says: a balancer has a folder with its configuration from before its namespace is made until after it is gone.
package haproxy
