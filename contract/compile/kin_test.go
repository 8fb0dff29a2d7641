package compile_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"edgecloud/api"
	"edgecloud/contract/compile"
)

// kin-openapi reads the same documents: each is valid OpenAPI, and the compiler has found the operations that kin-openapi finds.
func TestEveryDocumentIsValidOpenAPI(t *testing.T) {
	dialects, err := compile.All(api.FS)
	require.NoError(t, err)
	have := map[string]map[string]string{} // file to operationId to method
	for _, d := range dialects {
		for _, o := range d.Operations {
			file := d.Name + "/" + o.FileName() + ".yaml"
			if have[file] == nil {
				have[file] = map[string]string{}
			}
			have[file][o.ID] = o.Method
		}
	}
	err = fs.WalkDir(api.FS, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		raw, err := fs.ReadFile(api.FS, path)
		require.NoError(t, err)
		doc, err := openapi3.NewLoader().LoadFromData(raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		// Examples are held to our own, stricter schemas in package contract; templates that differ by a #suffix or a parameter's name are on purpose.
		if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.AllowExtensionsWithRef()); err != nil {
			t.Errorf("%s: %v", path, firstLine(err))
		}
		want := map[string]string{}
		for _, item := range doc.Paths.Map() {
			for method, o := range item.Operations() {
				want[o.OperationID] = method
			}
		}
		if len(want) > 0 {
			require.Equal(t, want, have[path], path)
		}
		return nil
	})
	require.NoError(t, err)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
