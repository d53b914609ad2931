// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {Court} from "./Court.sol";

contract CommitTest is Court {
    bytes32 internal constant SALT = keccak256("salt");
    address internal finder = address(0xf1);
    address internal copier = address(0xc0);

    function commitBy(address who, address inside, bytes32 faultId) internal {
        vm.prank(who);
        verifier.commit(commitmentOf(inside, faultId, SALT));
    }

    function revealBy(address who, bytes memory evidence) internal {
        vm.prank(who);
        verifier.reveal(3, evidence, SALT);
    }

    function test_a_reveal_needs_a_commitment_of_five_seconds() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        fails(FishermanVerifier.NotCommitted.selector);
        revealBy(finder, evidence);
        commitBy(finder, finder, faultId);
        fails(FishermanVerifier.CommitTooYoung.selector);
        revealBy(finder, evidence);
        pass(4);
        fails(FishermanVerifier.CommitTooYoung.selector);
        revealBy(finder, evidence);
        pass(1);
        revealBy(finder, evidence);
        eq(verifier.caseOf(faultId).claimant, finder, "finder");
        eq(verifier.committedAt(finder, commitmentOf(finder, faultId, SALT)), 0, "used up");
    }

    function test_a_commitment_lives_one_hour() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        commitBy(finder, finder, faultId);
        pass(1 hours + 1);
        fails(FishermanVerifier.CommitTooOld.selector);
        revealBy(finder, evidence);
        vm.warp(block.timestamp - 1);
        revealBy(finder, evidence);
    }

    function test_a_commitment_is_made_once() public {
        (, bytes32 faultId) = passThroughOf(0, 1);
        commitBy(finder, finder, faultId);
        fails(FishermanVerifier.AlreadyCommitted.selector);
        commitBy(finder, finder, faultId);
        // Another sender of the same bytes occupies nothing.
        commitBy(copier, finder, faultId);
    }

    function test_a_stolen_salt_is_of_no_use() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        commitBy(finder, finder, faultId);
        commitBy(copier, finder, faultId);
        pass(5);
        fails(FishermanVerifier.NotCommitted.selector);
        revealBy(copier, evidence);
    }

    function test_a_copier_gets_nothing() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        commitBy(finder, finder, faultId);
        pass(5);
        // It sees the reveal and runs ahead: too young. Once the reveal is in: used.
        commitBy(copier, copier, faultId);
        fails(FishermanVerifier.CommitTooYoung.selector);
        revealBy(copier, evidence);
        revealBy(finder, evidence);
        pass(5);
        fails(FishermanVerifier.AlreadyUsed.selector);
        revealBy(copier, evidence);
        pass(14 days);
        verifier.settle(faultId);
        eq(token.balanceOf(copier), 0, "copier");
        eq(token.balanceOf(finder), 3 * TOKEN, "finder: a tenth of 3 % of 1,000");
    }

    function test_the_first_valid_reveal_wins_even_with_a_younger_commitment() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        commitBy(finder, finder, faultId);
        pass(10);
        commitBy(copier, copier, faultId);
        pass(5);
        revealBy(copier, evidence);
        fails(FishermanVerifier.AlreadyUsed.selector);
        revealBy(finder, evidence);
    }

    function test_a_refunded_fault_cannot_be_proven_again() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        prove(finder, 3, evidence, faultId);
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.appeal(faultId);
        commitBy(copier, copier, faultId);
        pass(5);
        fails(FishermanVerifier.AlreadyUsed.selector);
        revealBy(copier, evidence);
    }

    function test_bytes_that_do_not_decode_have_a_name() public {
        (bytes memory evidence, ) = passThroughOf(0, 1);
        fails(FishermanVerifier.MalformedEvidence.selector);
        verifier.reveal(3, "", SALT);
        fails(FishermanVerifier.MalformedEvidence.selector);
        verifier.reveal(3, abi.encode(uint256(1)), SALT);
        assembly ("memory-safe") {
            mstore(evidence, sub(mload(evidence), 32))
        }
        fails(FishermanVerifier.MalformedEvidence.selector);
        verifier.reveal(3, evidence, SALT);
    }

    function testFuzz_garbage_is_refused(uint8 faultClass, bytes memory garbage) public {
        vm.expectRevert();
        verifier.reveal(faultClass, garbage, SALT);
        vm.expectRevert();
        verifier.convict(faultClass, garbage);
    }
}
