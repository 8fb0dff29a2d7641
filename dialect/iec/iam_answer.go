package iec

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/google/uuid"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/iec/auth"
	wire "edgecloud/dialect/iec/wire/auth"
	"edgecloud/fault"
)

// nameRequest gives an answer its request ID, unless the control plane has named it; clients show either header with an error.
func nameRequest(w http.ResponseWriter) {
	id := w.Header().Get("X-Request-Id")
	if id == "" {
		id = uuid.NewString()
		w.Header().Set("X-Request-Id", id)
	}
	w.Header().Set("X-Iam-Trace-Id", id)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		slog.Error("an answer of the identity service cannot be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(append(text, '\n')); err != nil {
		slog.Debug("the client went away", "error", err)
	}
}

// writeIAMFault answers a fault in the form of api/iec/auth.yaml, with the codes of Huawei's IAM (support.huaweicloud.com/api-iam/iam_02_0006.html).
func writeIAMFault(w http.ResponseWriter, err error) {
	f := fault.From(err)
	status, code := iamCode(f)
	if status == http.StatusInternalServerError {
		slog.Error("the identity service failed", "error", err, "request", w.Header().Get("X-Request-Id"))
	}
	writeJSON(w, status, wire.IAMErrorResponse{ErrorMsg: f.Sentence, ErrorCode: code})
}

func iamCode(f *fault.Fault) (status int, code string) {
	var reason identity.Reason
	if errors.As(f, &reason) {
		switch reason {
		case identity.MissingCredential, identity.InvalidToken, identity.ExpiredToken, identity.WrongPassword:
			return http.StatusUnauthorized, "IAM.0001"
		case identity.SuspendedAccount, identity.ScopeDenied, identity.UnscopedToken:
			return http.StatusForbidden, "IAM.0003"
		}
		if status, code, ok := auth.Answer(reason); ok {
			return status, code
		}
	}
	switch f.Kind {
	case fault.Unauthenticated, fault.BadSignature, fault.Expired:
		return http.StatusUnauthorized, "IAM.0001"
	case fault.Denied:
		return http.StatusForbidden, "IAM.0003"
	case fault.NotFound:
		return http.StatusNotFound, "IAM.0004"
	case fault.Conflict, fault.Exists:
		return http.StatusConflict, "IAM.0005"
	case fault.Invalid:
		return http.StatusBadRequest, "IAM.0007"
	case fault.Throttled:
		return http.StatusTooManyRequests, "APIGW.0308"
	case fault.NotImplemented:
		return http.StatusNotImplemented, "IAM.0007"
	}
	return http.StatusInternalServerError, "IAM.0006"
}
