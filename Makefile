# make up: an edge cloud on this machine. make test: everything CI checks.
SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ENGINE ?= sim
FUZZTIME ?= 20s
TESTFLAGS ?=
BENCHFLAGS ?=

.PHONY: setup build up down generate lint test test-debian test-terraform race bench bench-real fuzz clean

setup: ## install what is missing (Debian 12, root)
	@scripts/setup.sh

build: ## bin/edgecloud, static
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/edgecloud ./cmd/edgecloud

up: $(if $(filter real,$(ENGINE)),setup) build ## run a cloud: make up, or make up ENGINE=real (root)
	bin/edgecloud up --engine $(ENGINE)

down: ## stop it
	bin/edgecloud down

generate: ## rebuild what is derived from api/
	go generate ./...

lint: ## format, vet, staticcheck, golangci-lint
	@scripts/lint.sh

# Real guests under emulation take much of the machine: their packages run after the rest, two at a time, since most of them mostly wait.
REAL = ./test/real ./guest/tiny ./guest/debian ./engine/hypervisor/libvirt ./engine/network/ovn ./engine/balancer/haproxy ./test/host ./cmd/edgecloud

test: setup lint ## all that CI runs
	go test $(TESTFLAGS) -timeout 14m $$(go list ./... | grep -vxF "$$(go list $(REAL))")
	go test $(TESTFLAGS) -timeout 14m -p 2 $(REAL)

test-terraform: ## Terraform and the public provider of Huawei's clouds against IEC: builds both once (minutes)
	@scripts/terraform.sh
	go test $(TESTFLAGS) -tags terraform -timeout 30m ./test/terraform

test-debian: setup ## build the Debian image, boot it under emulation and log in (minutes, network)
	go test -tags debian -run TestABuiltDebian -v -timeout 40m ./guest/debian

race: setup ## the concurrent packages under the race detector
	go test -race -timeout 20m $$(go list ./... | grep -vE '/(api|contract|dialect|guest|test)(/|$$)')

bench: ## speed and size against the goals; make bench BENCHFLAGS=-full for 100,000 instances
	go run ./test/bench $(BENCHFLAGS)

bench-real: setup ## the same beside bare libvirt and bare QEMU, with real guests
	go test -tags figures -run TestFigures -v -timeout 14m ./test/real

fuzz: ## every fuzz target for FUZZTIME each
	@scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin dist
