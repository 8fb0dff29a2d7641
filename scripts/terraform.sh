#!/bin/bash
# Builds Terraform, the public provider of Huawei's clouds, and that provider's own acceptance tests, once, into .cache/tools. They come as Go modules.
set -euo pipefail
cd "$(dirname "$0")/.."

TERRAFORM=v1.5.7
PROVIDER=v1.52.1
module=github.com/huaweicloud/terraform-provider-huaweicloud
tools=$PWD/.cache/tools
mkdir -p "$tools"
export CGO_ENABLED=0 GOFLAGS=-mod=mod

if [ ! -x "$tools/terraform-$TERRAFORM" ]; then
  echo "terraform: building terraform $TERRAFORM"
  GOBIN=$tools go install "github.com/hashicorp/terraform@$TERRAFORM"
  mv "$tools/terraform" "$tools/terraform-$TERRAFORM"
fi

if [ ! -x "$tools/huaweicloud-$PROVIDER.test" ] || [ ! -x "$tools/provider-$PROVIDER/terraform-provider-huaweicloud" ]; then
  echo "terraform: building the provider $PROVIDER"
  source=$(mktemp -d)
  trap 'rm -rf "$source"' EXIT
  (cd "$source" && go mod init tools && go mod download "$module@$PROVIDER") >/dev/null 2>&1
  cp -r "$(go env GOMODCACHE)/$module@$PROVIDER/." "$source/"
  chmod -R u+w "$source"
  rm -rf "$source/vendor"
  mkdir -p "$tools/provider-$PROVIDER"
  (cd "$source" && go build -trimpath -o "$tools/provider-$PROVIDER/terraform-provider-huaweicloud" . && go test -trimpath -c -o "$tools/huaweicloud-$PROVIDER.test" ./huaweicloud)
fi
