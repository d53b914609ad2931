// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignerDelegation} from "contracts/SignerDelegation.sol";
import {World} from "./World.sol";

contract DelegationTest is World {
    address internal key = address(0x1234);

    function testFuzz_a_span_holds_from_its_first_to_its_last_round(uint64 from, uint64 round) public {
        from = uint64(bound(from, 1, 100));
        round = uint64(bound(round, 0, 120));
        vm.prank(node(0));
        delegation.delegate(key, from);
        isTrue(delegation.isSigner(node(0), key, round) == (round >= from), "open span");
        toRound(60);
        vm.prank(node(0));
        delegation.revoke(key);
        isTrue(delegation.isSigner(node(0), key, round) == (round >= from && round <= 60), "ended span");
    }

    function testFuzz_between_means_that_the_spans_meet(uint64 first, uint64 last) public {
        first = uint64(bound(first, 0, 100));
        last = uint64(bound(last, first, 120));
        vm.prank(node(0));
        delegation.delegate(key, 50);
        toRound(60);
        vm.prank(node(0));
        delegation.revoke(key);
        isTrue(delegation.isSignerBetween(node(0), key, first, last) == (first <= 60 && last >= 50), "overlap");
    }

    function test_a_key_is_named_once_and_ended_once() public {
        vm.startPrank(node(0));
        fails(SignerDelegation.NotDelegated.selector);
        delegation.revoke(key);
        fails(SignerDelegation.InvalidDelegation.selector);
        delegation.delegate(address(0), 1);
        fails(SignerDelegation.InvalidDelegation.selector);
        delegation.delegate(key, 0);
        delegation.delegate(key, 41);
        fails(SignerDelegation.AlreadyDelegated.selector);
        delegation.delegate(key, 42);
        delegation.revoke(key);
        fails(SignerDelegation.NotDelegated.selector);
        delegation.revoke(key);
        fails(SignerDelegation.AlreadyDelegated.selector);
        delegation.delegate(key, 42);
        vm.stopPrank();
    }

    function test_nobody_speaks_for_another() public {
        vm.prank(node(1));
        delegation.delegate(key, 1);
        isTrue(!delegation.isSigner(node(0), key, 40), "another's key");
        isTrue(delegation.isSigner(node(0), node(0), 0), "a node signs for itself");
        isTrue(!delegation.isSigner(node(0), address(0), 40), "zero never");
    }
}
