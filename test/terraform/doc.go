// Package terraform lets Terraform and the public provider of Huawei's clouds judge the IEC door, unchanged: the provider's own acceptance tests, and the life of a
// configuration that has every resource and data source (apply, an empty plan, import, change, destroy).
//
// The tests have the build tag "terraform", since building Terraform takes minutes: run them with make test-terraform. They need no network: a proxy inside
// the test leads the provider's https://iecs.{cloud} to a simulated cloud.
package terraform
