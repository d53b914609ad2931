// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "./Digests.sol";

/// @title IFaultVerifier: proof in, fault out
interface IFaultVerifier {
    /// @notice A proven or accused fault; every id is recomputed from the evidence.
    struct Fault {
        bytes32 faultId;
        address transcoder;
        /// @dev the receipt it is about; the lower digest of two, zero where no receipt is.
        bytes32 receiptDigest;
    }

    /// @notice Checks a proof that stands on the accused's own signatures (O classes). Reverts unless it is one.
    function checkObjective(uint8 faultClass, bytes calldata evidence) external view returns (Fault memory);

    /// @notice Checks that an accusation (D classes) is about a receipt that the accused really signed, within the statute.
    function checkAccusation(
        uint8 faultClass,
        Digests.TranscodeReceipt calldata receipt,
        bytes calldata signature
    ) external view returns (Fault memory);

    /// @notice Checks the votes of a conviction (D classes).
    /// @return fault what they convict of.
    /// @return finder who all of them name as the first to have found it.
    function checkConviction(
        uint8 faultClass,
        bytes calldata evidence
    ) external view returns (Fault memory fault, address finder);
}
